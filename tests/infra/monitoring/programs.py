"""Debian's programs as a pod runs them: the pod's own command line, on a free port of the loopback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra.render import monitoring
from tests.app import servers

# Where the pods' images have a program → what Debian calls it.
PROGRAMS = {
    "/bin/prometheus": "prometheus",
    "/bin/alertmanager": "prometheus-alertmanager",
    "/bin/postgres_exporter": "prometheus-postgres-exporter",
    "/redis_exporter": "prometheus-redis-exporter",
    "/bin/blackbox_exporter": "prometheus-blackbox-exporter",
    "/bin/node_exporter": "prometheus-node-exporter",
}
LISTENS = re.compile(r"(web\.listen-address=)(?:[\d.]*):\d+$")


@dataclass(frozen=True)
class Running:
    """A program that answers at ``url``; ``log`` is what it said on standard error."""

    url: str
    pid: int
    log: Path

    def figures(self) -> dict[str, float]:
        """Series → value, as the program itself writes them."""
        text = httpx.get(f"{self.url}{monitoring.METRICS_PATH}", timeout=20).raise_for_status().text
        rows = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
        return {series: float(value) for series, _, value in rows}


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str] | None = None,
    *,
    before: Sequence[str] = (),
    replaced: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """The command with ``replaced`` beginnings of paths. ``before``: what runs it, as the start script."""
    program = shutil.which(PROGRAMS[command[0]])
    assert program is not None, f"{PROGRAMS[command[0]]} is not installed: scripts/bootstrap"
    port, log = servers.free_port(), folder / f"{PROGRAMS[command[0]]}.log"
    words = [LISTENS.sub(rf"\g<1>127.0.0.1:{port}", word) for word in command[1:]]
    for old, new in (replaced or {}).items():
        words = [word.replace(f"={old}", f"={new}") for word in words]
    with log.open("w") as file:
        process = subprocess.Popen(
            [*before, program, *words],
            env={**os.environ, **(environment or {})},
            stdout=file,
            stderr=file,
            start_new_session=True,
        )
    try:
        servers.wait_for(lambda: answers(process, port, log), f"{program} answers")
        yield Running(f"http://127.0.0.1:{port}", process.pid, log)
    finally:
        process.terminate()
        process.wait(20)


def answers(process: subprocess.Popen[bytes], port: int, log: Path) -> bool:
    """Whether it listens, and is ready where it says so; AssertionError with its log where it has ended."""
    assert process.poll() is None, log.read_text()
    if not servers.listens(port):
        return False
    return httpx.get(f"http://127.0.0.1:{port}/-/ready").status_code != httpx.codes.SERVICE_UNAVAILABLE
