"""A team's own stack in a folder of its own, as people use it from the shell."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path

from infra.paths import ROOT

Answer = subprocess.CompletedProcess[str]


@dataclass
class Team:
    """One stack of a team in its folder."""

    folder: Path
    stack: str

    @property
    def file(self) -> Path:
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def slipway(self, verb: str, *arguments: str) -> Answer:
        """``slipway --stacks FOLDER verb STACK …``."""
        return self.command(*verb.split(), self.stack, *arguments)

    def command(self, *arguments: str) -> Answer:
        """``slipway --stacks FOLDER …``."""
        line = [str(ROOT / ".venv/bin/slipway"), "--stacks", str(self.folder), *arguments]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)

    def plain(self, command: str, stdin: str | None = None) -> Answer:
        """A shell command after ``eval "$(slipway --stacks FOLDER env STACK)"``."""
        env = shlex.join([str(ROOT / ".venv/bin/slipway"), "--stacks", str(self.folder), "env", self.stack])
        script = f'set -o pipefail; eval "$({env})" && {command}'
        return subprocess.run(
            ["bash", "-c", script], cwd=ROOT, input=stdin, capture_output=True, text=True, check=False
        )

    def pulumi_command(self, *arguments: str, file: Path | None = None) -> str:
        """A line of plain ``pulumi`` on the stack."""
        options = ["--stack", self.stack, "--config-file", str(file or self.file), "--non-interactive"]
        return shlex.join(["pulumi", *arguments, *options])


def told(answer: Answer) -> str:
    """What a command said."""
    return answer.stdout + answer.stderr
