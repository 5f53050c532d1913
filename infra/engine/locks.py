"""The file backend's locks: one whose owner is certainly dead is removed, any other is left alone."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from infra.errors import Problem, UserError
from infra.progress import Progress
from infra.sandbox.processes import identity

ENGINE = "pulumi"
CLOCK_SECONDS = 2.0  # a process cannot hold a lock older than itself; /proc counts in hundredths since boot


@dataclass(frozen=True)
class Lock:
    """One lock file of the engine. ``since`` is when it was taken."""

    path: Path
    pid: int
    user: str
    host: str
    since: datetime

    @classmethod
    def read(cls, path: Path) -> Lock:
        """Raises ValueError or KeyError where the file is not a whole lock."""
        found = json.loads(path.read_text(encoding="utf-8"))
        since = datetime.fromisoformat(found["timestamp"])
        return cls(path, int(found["pid"]), str(found["username"]), str(found["hostname"]), since)

    def owner_is_dead(self) -> bool:
        """Certain only on its own machine: nothing runs under the pid, or something that began later."""
        if self.host != socket.gethostname():
            return False
        process = identity(self.pid)
        if process is None:
            return True
        began = _boot_time() + process.started / os.sysconf("SC_CLK_TCK")
        return began > self.since.timestamp() + CLOCK_SECONDS


def _boot_time() -> float:
    """Seconds since the epoch (proc(5), /proc/stat, btime)."""
    lines = Path("/proc/stat").read_text(encoding="utf-8").splitlines()
    return float(next(line.split()[1] for line in lines if line.startswith("btime ")))


def files(backend: Path, stack: str) -> Iterator[Path]:
    """The stack's lock files: ``.pulumi/locks/…/<stack>/<id>.json``."""
    return (path for path in (backend / ".pulumi" / "locks").rglob("*.json") if path.parent.name == stack)


def release(backend: Path, stack: str) -> list[Lock]:
    """Take away the locks whose owner is certainly dead, and name them."""
    released = []
    for path in list(files(backend, stack)):
        try:
            lock = Lock.read(path)
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            continue  # given back meanwhile, or none of ours to judge
        if lock.owner_is_dead():
            path.unlink(missing_ok=True)
            released.append(lock)
    return released


def heal(backend: Path, stack: str, progress: Progress) -> None:
    """Remove locks of dead owners. Raises UserError naming every owner that lives or may live."""
    for lock in release(backend, stack):
        progress.say(ENGINE, f"took away the lock of an interrupted run (pid {lock.pid}, which is gone)")
    held: list[Problem] = []
    for path in list(files(backend, stack)):
        try:
            held.append(_held(stack, Lock.read(path)))
        except FileNotFoundError:
            continue  # given back meanwhile
        except (ValueError, KeyError, TypeError):
            held.append(
                Problem(f"stack {stack}", f"the lock {path} cannot be read", f"pulumi cancel -s {stack}")
            )
    if held:
        raise UserError(held)


def _held(stack: str, lock: Lock) -> Problem:
    here = lock.host == socket.gethostname()
    gone = "" if here else f"; if that machine is gone for good: pulumi cancel -s {stack}"
    return Problem(
        f"stack {stack}",
        f"is being changed by pid {lock.pid} of {lock.user} on {lock.host} since {_time(lock.since)}",
        f"wait until it has ended, or interrupt it with Ctrl-C where it runs{gone}",
    )


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}"
