"""Runs the machine's own small tools (ip, nsenter, umount) and turns a failure into words."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

TIMEOUT_SECONDS = 30.0


class CommandError(Exception):
    """A tool ended with an error. ``said`` is what it wrote to stderr."""

    def __init__(self, argv: Sequence[str], code: int, said: str) -> None:
        self.argv, self.code, self.said = tuple(argv), code, said.strip()
        super().__init__(f"{' '.join(argv)}: exit code {code}: {self.said}")


def run(*argv: str, stdin: str | None = None) -> str:
    """Stdout of the command. Raises CommandError when it fails or takes longer than 30 s."""
    try:
        done = subprocess.run(
            argv, input=stdin, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, -1, f"no answer within {TIMEOUT_SECONDS:.0f} s") from error
    if done.returncode:
        raise CommandError(argv, done.returncode, done.stderr or done.stdout)
    return done.stdout


def succeeds(*argv: str) -> bool:
    """Whether the command ends with exit code 0."""
    return subprocess.run(argv, capture_output=True, timeout=TIMEOUT_SECONDS, check=False).returncode == 0
