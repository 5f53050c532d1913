"""A part of the cluster (etcd, kubelet, …): its command, files, health; started only when it has to be."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from infra.errors import UserError
from infra.sandbox import cgroups, processes
from infra.sandbox.config import SandboxConfig
from infra.sandbox.processes import Identity, Record

POLL_SECONDS = 0.05
LOG_LINES = 15
KEPT_ENVIRONMENT = ("PATH", "HOME", "LANG")


@dataclass(frozen=True)
class Part:
    """One process of the cluster.

    health: says what is still amiss, or None when the part serves; patience: seconds it may take to serve;
    ending: seconds it gets between SIGTERM and SIGKILL; files: what it reads at start (a change restarts it);
    before: done while it is down, before each start; program: what it becomes where argv begins with another.
    """

    name: str
    argv: tuple[str, ...]
    health: Callable[[], str | None]
    files: tuple[Path, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], None] | None = None
    patience: float = 60.0
    ending: float = 3.0
    program: Path | None = None

    def fingerprint(self, place: str) -> str:
        """Changes when the command, the environment, a file's content or the network namespace does."""
        digest = hashlib.sha256(repr((self.argv, sorted(self.environment.items()), place)).encode())
        for path in self.files:
            digest.update(path.read_bytes() if path.exists() else b"missing")
        return digest.hexdigest()


class AbandonedError(Exception):
    """Nobody waits for this part any more: another one failed, or the user interrupted."""


def record_path(config: SandboxConfig, name: str) -> Path:
    return config.records / f"{name}.json"


def running(config: SandboxConfig, name: str) -> Record | None:
    """The record of a part whose process is alive, or None."""
    record = processes.load(record_path(config, name))
    return record if record and record.identity.alive() else None


def log_path(config: SandboxConfig, name: str) -> Path:
    return config.logs / f"{name}.log"


def ensure(config: SandboxConfig, part: Part, place: str) -> bool:
    """Start the part unless the same command already runs. Returns whether it was started."""
    fingerprint = part.fingerprint(place)
    record = running(config, part.name)
    processes.bound(log_path(config, part.name))
    if record and record.fingerprint == fingerprint:
        return False
    strays = _strays(config, part)
    processes.end([*([record.identity] if record else []), *strays], patience=part.ending)
    _start(config, part, fingerprint)
    return True


def wait_healthy(config: SandboxConfig, part: Part, stop: threading.Event) -> None:
    """Return when the part serves. Raises UserError as soon as it is dead, or when its patience is over.

    Raises AbandonedError when ``stop`` is set meanwhile.
    """
    deadline = time.monotonic() + part.patience
    while (amiss := part.health()) is not None:
        if running(config, part.name) is None:
            raise _died(config, part)
        if stop.is_set():
            raise AbandonedError
        if time.monotonic() > deadline:
            raise _not_serving(config, part, amiss)
        time.sleep(POLL_SECONDS)


def _start(config: SandboxConfig, part: Part, fingerprint: str) -> Identity:
    if part.before:
        part.before()
    kept = {key: os.environ[key] for key in KEPT_ENVIRONMENT if key in os.environ}
    process = processes.spawn(
        ("nsenter", f"--net={config.namespace_file}", "--", *part.argv),
        environment={**kept, **part.environment},
        log=log_path(config, part.name),
        seats=cgroups.seats(config.cgroup, part.name),
        folder=config.state,
    )
    record = Record(process.pid, process.started, process.boot, fingerprint, time.time())
    processes.save(record_path(config, part.name), record)
    return process


def _strays(config: SandboxConfig, part: Part) -> list[Identity]:
    """Processes of this part that no record names: the command was cut off between start and record."""
    program = os.path.realpath(part.program or part.argv[0])
    found = (processes.identity(pid) for pid in cgroups.members(config.cgroup, f"parts/{part.name}"))
    return [process for process in found if process and _program(process.pid) == program]


def _program(pid: int) -> str:
    try:
        return os.path.realpath(f"/proc/{pid}/exe")
    except OSError:  # it ended meanwhile
        return ""


def _died(config: SandboxConfig, part: Part) -> UserError:
    return UserError.of(
        part.name,
        f"the process ended while the cluster waited for it. {_last_lines(config, part)}",
        f"mend what it says and run the same command again; the whole log: {log_path(config, part.name)}",
    )


def _not_serving(config: SandboxConfig, part: Part, amiss: str) -> UserError:
    return UserError.of(
        part.name,
        f"does not serve after {part.patience:.0f} s: {amiss}. {_last_lines(config, part)}",
        f"look into {log_path(config, part.name)}, then run the same command again",
    )


def _last_lines(config: SandboxConfig, part: Part) -> str:
    lines = processes.tail(log_path(config, part.name), LOG_LINES)
    said = "\n".join(f"    {line}" for line in lines) or "    (nothing)"
    return f"Its last lines:\n{said}"
