"""Users who never stop asking, some on connections they keep; every failure is written down."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, takewhile

import httpx

SECONDS = 10.0  # longer than any answer may take
PATHS = ("/transactions", "/health")  # with rows of the database and the user's own limit; and without


@dataclass
class Heard:
    """What was answered so far. ``slowest``: seconds; ``failed_at``: when, by the monotonic clock."""

    answers: int = 0
    slowest: float = 0.0
    failed_at: float = 0.0
    failures: list[str] = field(default_factory=list)

    def fail(self, how: str) -> None:
        self.failures.append(how)
        self.failed_at = time.monotonic()


@contextmanager
def users(url: str, token: str, *, count: int = 8, per_second: float = 50.0) -> Iterator[Heard]:
    """``per_second`` of all while an answer takes less than count / per_second; half keep a connection."""
    heard, over = Heard(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_all(url, token, count, per_second, heard, over)))
    thread.start()
    try:
        yield heard
    finally:
        over.set()
        thread.join()


async def _all(
    url: str, token: str, count: int, per_second: float, heard: Heard, over: threading.Event
) -> None:
    pause = count / per_second
    asking = [
        _user(url, token, number % 2 == 0, number / per_second, pause, heard, over) for number in range(count)
    ]
    await asyncio.gather(*asking)


async def _user(
    url: str, token: str, keeps: bool, late: float, pause: float, heard: Heard, over: threading.Event
) -> None:
    limits = httpx.Limits(max_keepalive_connections=None if keeps else 0)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=SECONDS) as client:
        await asyncio.sleep(late)
        due = time.monotonic()
        for path in takewhile(lambda _: not over.is_set(), cycle(PATHS)):
            await _ask(client, path, heard)
            due = max(due + pause, time.monotonic())  # an answer's own time is no pause; nobody catches up
            await asyncio.sleep(due - time.monotonic())


async def _ask(client: httpx.AsyncClient, path: str, heard: Heard) -> None:
    begun = time.monotonic()
    try:
        answer = await client.get(path)
    except httpx.TransportError as error:
        heard.fail(repr(error))
        return
    heard.answers += 1
    heard.slowest = max(heard.slowest, time.monotonic() - begun)
    if answer.status_code != httpx.codes.OK:
        heard.fail(f"{answer.status_code} {answer.text[:200]}")
