"""Work in threads that a Ctrl-C ends whole: the helper processes too, never the cluster's own parts."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from infra.errors import UserError

T = TypeVar("T")


def _parent_and_session(pid: int) -> tuple[int, int]:
    """Fields 4 and 6 of ``/proc/<pid>/stat`` (proc(5)); field 2 may hold spaces and brackets."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[1]), int(fields[3])


def helper_processes() -> list[int]:
    """Our descendants in our own session, deepest last. The cluster's parts have sessions of their own."""
    ours = os.getsid(0)
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            parent, session = _parent_and_session(int(entry.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
        if session == ours:
            parents[int(entry.name)] = parent
    found = [os.getpid()]
    for pid in found:
        found.extend(child for child, parent in parents.items() if parent == pid)
    return found[1:]


def end_helpers() -> None:
    """Ask every helper process to end; each cleans up behind itself."""
    for pid in helper_processes():
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:
            continue


class Workers:
    """A thread pool whose first failure, or a Ctrl-C, ends what is still under way and is then raised."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._started: list[Future[object]] = []

    def start(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        """Run ``work`` in a thread of its own."""
        future = self._pool.submit(work, *arguments)
        self._started.append(future)  # type: ignore[arg-type]
        return future

    def finish(self) -> None:
        """Wait for all. Raises one UserError with every user's mistake, or the first other error."""
        wait(self._started, return_when=FIRST_EXCEPTION)
        errors = [error for future in self._started if future.done() and (error := future.exception())]
        if not errors:
            return
        end_helpers()
        unforeseen = [error for error in errors if not isinstance(error, UserError)]
        if unforeseen:
            raise unforeseen[0]
        raise UserError(
            dict.fromkeys(p for error in errors if isinstance(error, UserError) for p in error.problems)
        )


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Workers whose threads are all over when the block is left, however it is left."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="slipway")
    try:
        yield Workers(pool)
    except BaseException:
        end_helpers()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
