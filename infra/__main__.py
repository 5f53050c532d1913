"""Pulumi's entry point: load, build, export."""

from __future__ import annotations

import sys

import pulumi

from infra.engine import contexts
from infra.program import build
from infra.settings.load import load

SHOWN = 32  # the language host's exit code for "the user has been told": the engine adds nothing of its own
contexts.unled()  # the SDK takes KUBECONFIG for one file, and writes its name into the state

try:
    for name, value in build(*load()).items():
        pulumi.export(name, value)
except pulumi.RunError as error:
    pulumi.log.error(str(error))
    sys.exit(SHOWN)
