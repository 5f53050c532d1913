"""What a cache computes in tests, and the caches of several processes on one Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from app.core.cache import Cache
from app.core.metrics import Metrics
from app.core.redis import RedisLink
from tests.app.servers import RedisServer

Replica = Callable[[], Cache]


@asynccontextmanager
async def replicas(redis: RedisServer) -> AsyncIterator[Replica]:
    """``make()``: one more process's cache, on the same Redis, which was emptied before."""
    redis.empty()
    made: list[Cache] = []

    def make() -> Cache:
        made.append(Cache(RedisLink(redis.address), Metrics("test", "test")))
        return made[-1]

    yield make
    for cache in made:
        await cache.close()


class Source:
    """What is computed: counts, can be held up, and can fail."""

    def __init__(self, value: str = "value") -> None:
        self.value = value
        self.times = 0
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.go.set()
        self.error: Exception | None = None

    async def __call__(self) -> str:
        self.times += 1
        value = self.value  # read before anybody can change it: what an old transaction sees
        self.begun.set()
        await self.go.wait()
        if self.error:
            raise self.error
        return value


def counted(cache: Cache) -> dict[tuple[str, str], float]:
    """(operation, result) → how often."""
    return {
        (sample.labels["operation"], sample.labels["result"]): sample.value
        for metric in cache._metrics.registry.collect()
        if metric.name == "cache_operations"
        for sample in metric.samples
    }


async def until(fact: Callable[[], object], seconds: float = 60) -> None:
    """Polls until the fact is true."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "never true"
        await asyncio.sleep(0.01)
