"""Users who never stop asking, some on connections they keep; every failure is written down."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

SECONDS = 10.0  # longer than any answer may take


@dataclass
class Heard:
    """What was answered so far. ``slowest``: seconds."""

    answers: int = 0
    slowest: float = 0.0
    failures: list[str] = field(default_factory=list)
    versions: set[str] = field(default_factory=set)


@contextmanager
def users(url: str, token: str, *, count: int = 8, per_second: float = 50.0) -> Iterator[Heard]:
    """Half of them keep their connections."""
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
    await asyncio.gather(*(_user(url, token, number % 2 == 0, pause, heard, over) for number in range(count)))


async def _user(url: str, token: str, keeps: bool, pause: float, heard: Heard, over: threading.Event) -> None:
    limits = httpx.Limits(max_keepalive_connections=None if keeps else 0)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=SECONDS) as client:
        while not over.is_set():
            await _ask(client, heard)
            await asyncio.sleep(pause)


async def _ask(client: httpx.AsyncClient, heard: Heard) -> None:
    begun = time.monotonic()
    try:
        answer = await client.get("/transactions")
    except httpx.TransportError as error:
        heard.failures.append(repr(error))
        return
    heard.answers += 1
    heard.slowest = max(heard.slowest, time.monotonic() - begun)
    if answer.status_code != httpx.codes.OK:
        heard.failures.append(f"{answer.status_code} {answer.text[:200]}")
