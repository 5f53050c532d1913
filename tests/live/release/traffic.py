"""Users who never stop asking, some on connections they keep; every failure is written down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from threading import Event, Lock

import urllib3
from urllib3.exceptions import HTTPError

SECONDS = 10.0  # longer than any answer may take
PATHS = ("/transactions", "/health")  # with rows of the database and the user's own limit; and without
OK = 200


@dataclass
class Heard:
    """What was answered so far. ``slowest``: seconds; ``failed_at``: when, by the monotonic clock."""

    answers: int = 0
    slowest: float = 0.0
    failed_at: float = 0.0
    failures: list[str] = field(default_factory=list)
    _one: Lock = field(default_factory=Lock, repr=False)

    def fail(self, how: str) -> None:
        with self._one:
            self.failures.append(how)
            self.failed_at = time.monotonic()

    def answered(self, seconds: float) -> None:
        with self._one:
            self.answers += 1
            self.slowest = max(self.slowest, seconds)


@contextmanager
def users(url: str, token: str, *, count: int = 8, per_second: float = 50.0) -> Iterator[Heard]:
    """``per_second`` of all while an answer takes less than count / per_second; half keep a connection."""
    heard, over, pause = Heard(), Event(), count / per_second
    with ThreadPoolExecutor(count) as crowd:
        asking = [
            crowd.submit(_user, url, token, number % 2 == 0, number / per_second, pause, heard, over)
            for number in range(count)
        ]
        try:
            yield heard
        finally:
            over.set()
    for each in asking:
        each.result()


def _user(url: str, token: str, keeps: bool, late: float, pause: float, heard: Heard, over: Event) -> None:
    headers = {"Authorization": f"Bearer {token}"} | ({} if keeps else {"Connection": "close"})
    # A failure is told: the pool may open what was closed before it asked, and asks for nothing twice.
    with urllib3.connection_from_url(url, headers=headers, timeout=SECONDS, retries=False) as pool:
        paths, due = cycle(PATHS), time.monotonic() + late
        while not over.wait(max(due - time.monotonic(), 0.0)):
            _ask(pool, next(paths), heard)
            due = max(due + pause, time.monotonic())  # an answer's own time is no pause; nobody catches up


def _ask(pool: urllib3.HTTPConnectionPool, path: str, heard: Heard) -> None:
    begun = time.monotonic()
    try:
        answer = pool.request("GET", path)
    except HTTPError as error:
        heard.fail(repr(error))
        return
    heard.answered(time.monotonic() - begun)
    if answer.status != OK:
        heard.fail(f"{answer.status} {answer.data.decode(errors='replace')[:200]}")
