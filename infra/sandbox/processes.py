"""Long-lived processes: started apart from the terminal, recorded, recognised again, ended."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from infra import private
from infra.sandbox import cgroups

LOG_BYTES = 16 * 1024 * 1024  # a log longer than this is moved aside at the next `up`
POLL_SECONDS = 0.02
_JOIN_AND_EXEC = 'for seat in $SEATS; do echo 0 >"$seat" || exit 125; done; unset SEATS; exec "$@"'


@dataclass(frozen=True)
class Identity:
    """A process for good: its number alone is given to another one sooner or later."""

    pid: int
    started: int  # clock ticks since boot, field 22 of /proc/<pid>/stat
    boot: str

    def alive(self) -> bool:
        """Whether this very process runs; a zombie does not."""
        return identity(self.pid) == self


@dataclass(frozen=True)
class Record:
    """``run/<part>.json``: which process serves a part, and what it was started from."""

    pid: int
    started: int
    boot: str
    fingerprint: str
    since: float  # seconds since the epoch

    @property
    def identity(self) -> Identity:
        return Identity(self.pid, self.started, self.boot)


def boot_id() -> str:
    """Changes with every boot of the machine."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def identity(pid: int) -> Identity | None:
    """The process of that number, or None when there is none or only its remains."""
    with contextlib.suppress(ChildProcessError):  # our own child: take it off the process table
        os.waitpid(pid, os.WNOHANG)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else Identity(pid, int(fields[19]), boot_id())


def command_line(pid: int) -> str:
    """The command as ``ps`` shows it, empty when the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def load(path: Path) -> Record | None:
    """The record, or None when it is missing, cut short or of another shape."""
    try:
        return Record(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def save(path: Path, record: Record) -> None:
    """Written whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    private.write(path, json.dumps(asdict(record)))


def spawn(
    argv: Sequence[str], *, environment: Mapping[str, str], log: Path, seats: Sequence[Path], folder: Path
) -> Identity:
    """Start a process in its own session, inside the cgroups of ``seats``, with all it says going to ``log``.

    The pid stays the same through the shell that joins the cgroups, so it is the program's own.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    if bad := [str(seat) for seat in seats if " " in str(seat)]:
        raise ValueError(f"a cgroup path holds a space: {bad}")
    shell = shutil.which("sh") or "/bin/sh"
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    pid = os.posix_spawn(
        shell,
        ["sh", "-c", f'cd "$0" && {_JOIN_AND_EXEC}', str(folder), *argv],
        {**environment, "SEATS": " ".join(map(str, seats))},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), writing, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=[signal.SIGINT, signal.SIGPIPE, signal.SIGHUP],
    )
    return identity(pid) or Identity(pid, -1, boot_id())


def end(processes: Iterable[Identity], *, patience: float) -> list[Identity]:
    """SIGTERM, SIGKILL to those alive after ``patience`` seconds. Returns what would not die in 10 s more."""
    alive = [process for process in processes if process.alive()]
    for sign, seconds in ((signal.SIGTERM, patience), (signal.SIGKILL, 10.0)):
        if sign == signal.SIGTERM and not patience:
            continue
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, sign)
        alive = _still_alive(alive, seconds)
    return alive


def kill_members(cgroup: str, below: str = "") -> set[int]:
    """SIGKILL all in a branch of the cluster's cgroups until it is empty. Returns who stays after 10 s."""
    deadline = time.monotonic() + 10.0
    while (left := cgroups.members(cgroup, below)) and time.monotonic() < deadline:
        processes = [process for pid in left if (process := identity(pid))]
        if not processes:
            break  # only remains that their parent has not collected yet
        end(processes, patience=0)
    return {pid for pid in left if identity(pid)}


def bound(log: Path) -> None:
    """Keep a log from growing without end: its content goes to ``.1``, the writer goes on at the start."""
    if log.exists() and log.stat().st_size > LOG_BYTES:
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)  # the writer appends (O_APPEND), so it never leaves a hole


def tail(log: Path, lines: int) -> list[str]:
    """The last lines of a log, empty when there is none."""
    if not log.exists():
        return []
    with log.open("rb") as stream:
        stream.seek(max(0, log.stat().st_size - 400 * lines))
        return stream.read().decode(errors="replace").splitlines()[-lines:]


def _still_alive(processes: list[Identity], seconds: float) -> list[Identity]:
    deadline = time.monotonic() + seconds
    while (alive := [process for process in processes if process.alive()]) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return alive
