"""Pulumi's entry point: load, build, export."""

from __future__ import annotations

import pulumi

from infra.program import build
from infra.settings.load import load

for name, value in build(*load()).items():
    pulumi.export(name, value)
