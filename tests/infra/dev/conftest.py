"""`slipway dev` as a user runs it, in a folder of its own, on a copy of the service's source."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from infra.paths import ROOT
from infra.sandbox import processes

SLIPWAY = str(Path(sys.executable).with_name("slipway"))
START_SECONDS = 90.0
POLL_SECONDS = 0.1


def eventually(fact: Callable[[], object], what: str, seconds: float = START_SECONDS) -> None:
    """Polls until the fact is true; fails with ``what``."""
    until = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > until:
            pytest.fail(f"not within {seconds:.0f} s: {what}")
        time.sleep(POLL_SECONDS)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Dev:
    """One folder of state, one copy of app/, and at most one running command. ``said`` is all its output."""

    def __init__(self, root: Path) -> None:
        self.root, self.source, self.port = root, root / "source", free_port()
        self.environment = {**os.environ, "XDG_STATE_HOME": str(root / "state")}
        shutil.copytree(ROOT / "app", self.source / "app", ignore=shutil.ignore_patterns("__pycache__"))
        self._output = root / "output"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """``slipway dev …`` to its end."""
        argv = [SLIPWAY, "dev", *arguments]
        return subprocess.run(
            argv, env=self.environment, capture_output=True, text=True, check=False, timeout=60
        )

    def start(self, *arguments: str) -> None:
        """Returns when the service is healthy and slipway has said so."""
        argv = [SLIPWAY, "dev", "--port", str(self.port), "--source", str(self.source), *arguments]
        begun = len(self.said)
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                argv, env=self.environment, stdout=output, stderr=output, start_new_session=True
            )
        eventually(lambda: self._healthy(begun), f"slipway dev is healthy:\n{self.said[begun:]}")

    def _healthy(self, begun: int) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.said[begun:]
        return "service: healthy" in self.said[begun:]

    @property
    def said(self) -> str:
        return self._output.read_text() if self._output.exists() else ""

    @property
    def family(self) -> list[processes.Identity]:
        """The running command and every process below it, PostgreSQL's and the service's too."""
        assert self.process is not None
        found, parents = [self.process.pid], {self.process.pid}
        rows = [line.split() for line in _ps("pid=,ppid=").splitlines()]
        while parents:
            parents = {int(pid) for pid, ppid in rows if int(ppid) in parents}
            found += sorted(parents)
        return [identity for pid in found if (identity := processes.identity(pid))]

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        """Signals the command and waits for it; its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(60)

    def remove(self) -> None:
        """Whatever a test left running is ended by its pid."""
        if self.process is not None and self.process.poll() is None:
            family = self.family
            self.end()
            processes.end(family, patience=20)
        shutil.rmtree(self.root)

    def client(self) -> httpx.Client:
        """An HTTP client with the development token."""
        token = self.command("token").stdout.strip()
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=30)


def _ps(columns: str) -> str:
    return subprocess.run(["ps", "-eo", columns], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def dev() -> Iterator[Dev]:
    """Not below pytest's own folder: PostgreSQL's user could not enter it."""
    root = Path(tempfile.mkdtemp(prefix="slipway-dev-"))
    root.chmod(0o711)
    made = Dev(root)
    yield made
    made.remove()
