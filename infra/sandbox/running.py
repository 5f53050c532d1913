"""Children that end with us, and locks between processes: what the builders of tools and images share."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from infra.progress import Progress

POLL_SECONDS = 0.2


def run(
    command: Sequence[str | Path],
    log: Path,
    stop: threading.Event,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    tick: Callable[[], None] | None = None,
) -> int:
    """Run ``command`` with its output in ``log`` and return its exit code; ``tick`` is called while it runs.

    Its whole process group ends when ``stop`` is set or an exception arrives (KeyboardInterrupt is raised),
    and the command itself when this process is killed outright.
    """
    if stop.is_set():
        raise KeyboardInterrupt
    # The thread that starts the child waits for it, so the parent's death signal cannot come early.
    guard = [found, "--pdeathsig", "KILL"] if (found := shutil.which("setpriv")) else []
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*guard, *command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            return _wait(process, stop, tick)
        except BaseException:
            _end(process)
            raise


def _wait(process: subprocess.Popen[bytes], stop: threading.Event, tick: Callable[[], None] | None) -> int:
    while True:
        with suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=POLL_SECONDS)
        if tick:
            tick()
        if stop.is_set():
            raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the group: what it was making has no name yet, so there is nothing for it to put right."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def sealed(command: Sequence[str | Path]) -> list[str | Path]:
    """``command`` with mounts and processes of its own: both are gone when it ends, however it ends."""
    seal = [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]
    return [*seal, "--", *command]


@contextmanager
def alone(lock: Path, name: str, progress: Progress, stop: threading.Event) -> Iterator[None]:
    """Hold ``lock`` against other processes and threads; says whom it waits for. ``stop`` ends that."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        said = False
        while not _try(file.fileno()):
            if not said:
                file.seek(0)
                progress.say(name, f"waiting for its turn: process {file.read().strip() or '?'} is building")
                said = True
            if stop.wait(POLL_SECONDS):
                raise KeyboardInterrupt
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def tail(log: Path, lines: int = 15) -> str:
    """The last lines of a log, indented for a message."""
    return "\n".join(f"    {line}" for line in log.read_text(errors="replace").strip().splitlines()[-lines:])


def sync(path: Path) -> None:
    """fsync a file or a folder."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
