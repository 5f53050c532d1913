"""Runs the pod's program as a process, and reads what it says."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from unittest import mock

from infra.backups.__main__ import main
from infra.paths import ROOT

SECONDS = 60.0
Environment = Mapping[str, str]


@dataclass(frozen=True)
class Said:
    """A run that has ended: its exit code, its lines, and all of its output for what must not be in it."""

    code: int
    lines: list[dict[str, Any]]
    output: str

    @property
    def result(self) -> dict[str, Any]:
        """The result line of a run that must have done well."""
        assert self.code == 0, self.output
        return self.lines[-1]

    @property
    def problems(self) -> list[str]:
        """Each problem as people see it; the run must not have shown a stack trace."""
        assert "Traceback" not in self.output, self.output
        return [
            f"{line['where']}: {line['what']} → {line['remedy']}"
            for line in self.lines
            if line["event"] == "problem"
        ]


def begin(environment: Environment, *arguments: str) -> subprocess.Popen[str]:
    """Starts ``python -m infra.backups …``; whoever begins it ends it."""
    return subprocess.Popen(
        [sys.executable, "-m", "infra.backups", *arguments],
        env={"PATH": os.environ["PATH"], **environment},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end(process: subprocess.Popen[str], seconds: float = SECONDS) -> Said:
    """Waits for its end."""
    try:
        output, _ = process.communicate(timeout=seconds)
    finally:
        process.kill()
    lines = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    return Said(process.returncode, lines, output)


def here(environment: Environment, *arguments: str) -> Said:
    """The same without a process of its own, which is quicker: for verbs that no signal has to end."""
    handlers = {
        number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGALRM)
    }
    output = io.StringIO()
    try:
        with mock.patch.dict(os.environ, environment), contextlib.redirect_stdout(output):
            code = main(arguments)
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Said(code, [json.loads(line) for line in output.getvalue().splitlines()], output.getvalue())


def run(environment: Environment, *arguments: str) -> Said:
    """The whole run."""
    return end(begin(environment, *arguments))
