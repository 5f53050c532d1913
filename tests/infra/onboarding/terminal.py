"""The slipway command at a pseudo-terminal: wait for a text, then type."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
import time
from collections.abc import Mapping

import pytest

from tests.infra.onboarding.conftest import SLIPWAY

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")
WAIT_SECONDS = 30.0
ROWS, COLUMNS = 50, 500  # wide: no text is broken, however long the folder's name is
ENTER, CTRL_C = "\r", "\x03"


class Terminal:
    """One command. ``seen`` is everything on its screen so far, without colours and movements."""

    def __init__(self, arguments: list[str], environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
        quiet = {"PROMPT_TOOLKIT_NO_CPR": "1", "TERM": "xterm"}
        self._process = subprocess.Popen(
            [SLIPWAY, *arguments],
            env={**environment, **quiet},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._raw = b""
        self._answered = 0

    @property
    def seen(self) -> str:
        return ESCAPES.sub("", self._raw.decode(errors="replace")).replace("\r", "")

    def answer(self, question: str, text: str = "") -> None:
        """Wait for the question, then type ``text`` and Enter."""
        self.see(question)
        self._answered = len(self.seen)
        self.type(text + ENTER)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def see(self, text: str) -> None:
        """Wait until ``text`` comes up after the last answer."""
        until = time.monotonic() + WAIT_SECONDS
        while text not in self.seen[self._answered :]:
            if time.monotonic() > until or not self._read(until - time.monotonic()):
                self._process.kill()
                self.end()
                pytest.fail(f"did not show {text!r}:\n{self.seen}")

    def end(self) -> int:
        """Wait for the end; the exit code."""
        while self._read(WAIT_SECONDS):
            pass
        os.close(self._ours)
        return self._process.wait(WAIT_SECONDS)

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self._ours], [], [], max(seconds, 0))
        try:
            part = os.read(self._ours, 65536) if ready else b""
        except OSError:  # EIO: the other side is closed
            part = b""
        self._raw += part
        return bool(part)
