"""A folder in which a job's script runs as a runner runs it, beside a program that answers as it is told."""

from __future__ import annotations

import os
import shlex
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from infra.render.pipelines.text import script


@dataclass
class Runner:
    """A folder to run in. ``answers``: what follows the program's name → exit code, output."""

    folder: Path
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    program: str = "slipway"

    def run(self, name: str, **variables: str) -> subprocess.CompletedProcess[str]:
        programs = self.folder / "bin"
        programs.mkdir(exist_ok=True)
        cases = "".join(
            f"    {shlex.quote(words)}*) printf %s {shlex.quote(said)}; exit {code} ;;\n"
            for words, (code, said) in self.answers.items()
        )
        heard = f'printf "%s\\n" "$*" >>{self.folder}/heard\n'
        text = f'#!/bin/sh\n{heard}case "$*" in\n{cases}    *) exit 0 ;;\nesac\n'
        (programs / self.program).write_text(text)
        (programs / self.program).chmod(0o755)
        environment = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "STACK": "ledger-prod",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary"),
            **variables,
        }
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script(name)]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def text(self, name: str) -> str:
        path = self.folder / name
        return path.read_text(encoding="utf-8") if path.exists() else ""
