"""Work in threads that ends as one: the first failure, or a Ctrl-C, tells the others to give up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any, TypeVar

from infra.errors import UserError

T = TypeVar("T")


class Workers:
    """A thread pool with one ``stop`` for all: whoever waits for something long looks at it."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._started: list[Future[Any]] = []
        self.stop = threading.Event()

    def start(self, work: Callable[..., T], *arguments: Any, **named: Any) -> Future[T]:
        """Run ``work`` in a thread of its own."""
        future = self._pool.submit(work, *arguments, **named)
        self._started.append(future)
        return future

    def finish(self) -> None:
        """Wait for all. Raises one UserError with every user's mistake, or the first other error."""
        wait(self._started, return_when=FIRST_EXCEPTION)
        errors = [error for future in self._started if future.done() and (error := future.exception())]
        unforeseen = [error for error in errors if not isinstance(error, UserError)]
        if unforeseen:
            raise unforeseen[0]
        if errors:
            raise UserError(dict.fromkeys(p for e in errors if isinstance(e, UserError) for p in e.problems))


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """Workers whose threads are all over when the block is left, however it is left."""
    pool = ThreadPoolExecutor(count, thread_name_prefix="slipway")
    crew = Workers(pool)
    try:
        yield crew
    except BaseException:
        crew.stop.set()
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
