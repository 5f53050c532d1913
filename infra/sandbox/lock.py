"""One command at a time works on a cluster; the second one is told who the first is."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from infra.errors import UserError
from infra.sandbox import processes
from infra.sandbox.config import RUN_ROOT, SandboxConfig


def path_of(config: SandboxConfig) -> Path:
    return RUN_ROOT / f"{config.name}.lock"


@contextlib.contextmanager
def held(config: SandboxConfig) -> Iterator[None]:
    """Hold the cluster's lock. Raises UserError that names the holder. The kernel frees it when we die."""
    path = path_of(config)
    descriptor = _take(path, config.name)
    try:
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)
        with contextlib.suppress(OSError):  # not empty: a cluster stands
            RUN_ROOT.rmdir()


def _take(path: Path, name: str) -> int:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(descriptor, 32, 0).decode().strip()
            os.close(descriptor)
            raise _busy(name, holder) from error
        if path.exists() and os.fstat(descriptor).st_ino == path.stat().st_ino:
            return descriptor
        os.close(descriptor)  # the last holder removed the file meanwhile: it locks nobody out


def _busy(name: str, holder: str) -> UserError:
    command = processes.command_line(int(holder)) if holder.isdigit() else ""
    return UserError.of(
        f"sandbox {name}",
        f"another command works on it: process {holder or 'unknown'} ({command or 'just starting'})",
        "wait until it is done, or end it, then run the same command again",
    )
