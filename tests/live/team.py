"""A team's own stack in a folder of its own, as people use it from the shell."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
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

    @property
    def said(self) -> Path:
        """What the last job wrote."""
        return self.folder / "said.log"

    def slipway(self, verb: str, *arguments: str) -> Answer:
        """``slipway --stacks FOLDER verb STACK …``."""
        return self.command(*verb.split(), self.stack, *arguments)

    def command(self, *arguments: str) -> Answer:
        """``slipway --stacks FOLDER …``."""
        line = [str(ROOT / ".venv/bin/slipway"), "--stacks", str(self.folder), *arguments]
        return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False)

    @contextmanager
    def begun(self, verb: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """The same while it runs, as a job of its own that writes to ``said``; what still runs at the
        end is killed."""
        line = [str(ROOT / ".venv/bin/slipway"), "--stacks", str(self.folder), verb, self.stack, *arguments]
        with self.said.open("wb") as said:
            process = subprocess.Popen(
                line, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, start_new_session=True
            )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

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
