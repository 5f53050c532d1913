"""The cache with values nobody can read, dead replicas, and without Redis."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid

import pytest
from pydantic import TypeAdapter
from redis import Redis

from app.core.cache import Cache, store
from app.core.metrics import Metrics
from app.core.redis import RedisLink
from tests.app.computed import Replica, Source, counted, until
from tests.app.servers import RedisServer, free_port

pytestmark = pytest.mark.integration
NUMBERS: TypeAdapter[list[int]] = TypeAdapter(list[int])


async def test_without_redis_everybody_is_served_and_told_that_nothing_was_forgotten() -> None:
    cache = Cache(RedisLink(f"redis://:p@127.0.0.1:{free_port()}/0"), Metrics("test", "test"))
    source = Source()
    assert [await cache.get_or_compute("a", 60, source) for _ in range(2)] == ["value"] * 2
    assert source.times == 2
    source.go.clear()
    source.begun.clear()
    shared = [asyncio.create_task(cache.get_or_compute("a", 60, source)) for _ in range(10)]
    await source.begun.wait()
    source.value = "new"
    assert await cache.invalidate("a") is None
    late = asyncio.create_task(cache.get_or_compute("a", 60, source))
    await until(lambda: source.times == 4)
    source.go.set()
    assert set(await asyncio.gather(*shared)) == {"value"}
    assert await late == "new"
    assert await cache.statistics() is None
    source.error = LookupError("nothing there")
    with pytest.raises(LookupError):
        await cache.get_or_compute("b", 60, source)
    assert counted(cache)[("get", "error")] == 1
    await cache.close()


@pytest.mark.own_servers
async def test_redis_going_away_during_a_computation_loses_nothing_but_the_saving(
    replica: Replica, redis: RedisServer
) -> None:
    cache, source = replica(), Source()
    source.go.clear()
    caller = asyncio.create_task(cache.get_or_compute(uuid.uuid4().hex, 60, source))
    await source.begun.wait()
    redis.send(signal.SIGSTOP)
    try:
        source.go.set()
        assert await caller == "value"
    finally:
        redis.send(signal.SIGCONT)
    assert counted(cache)[("set", "error")] == 1


async def test_a_caller_computes_where_the_one_that_began_has_died(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 0.2)
    dead, source, other = replica(), Source("late"), replica()
    source.go.clear()
    began = asyncio.create_task(dead.get_or_compute("a", 60, source))
    await source.begun.wait()
    await dead._link.close()  # it says nothing more, as after kill -9
    dead._link._rest_until = float("inf")
    alive = Source()
    begun = time.monotonic()
    assert await other.get_or_compute("a", 60, alive) == "value"
    assert time.monotonic() - begun >= 0.2
    assert await replica().get_or_compute("a", 60, Source("never")) == "value"
    source.go.set()
    assert await began == "late"


async def test_a_value_that_cannot_be_read_is_a_miss_and_is_replaced(cache: Cache) -> None:
    for wrong in ("no list", '["a"]', "[1"):
        await cache.invalidate("n")
        await cache.get_or_compute("n", 60, Source(wrong))
        assert await cache.get_or_compute_as(NUMBERS, "n", 60, one_two) == [1, 2]
        assert await cache.get_or_compute_as(NUMBERS, "n", 60, failing) == [1, 2]
    found = await cache.statistics()
    assert found is not None
    assert (found.hits, found.misses) == (3, 6)


async def one_two() -> list[int]:
    return [1, 2]


async def failing() -> list[int]:
    raise AssertionError("computed again")


async def test_bytes_that_are_no_text_are_a_miss(cache: Cache, redis: RedisServer) -> None:
    await cache.get_or_compute("a", 60, Source("old"))
    with Redis.from_url(redis.address) as client:
        client.set(store.VALUES + "a", b"\xff\xfe", keepttl=True)
    assert await cache.get_or_compute("a", 60, Source("new")) == "new"


async def test_another_versions_value_that_came_while_waiting_is_not_taken(replica: Replica) -> None:
    old, new, source = replica(), replica(), Source("written by the old version")
    source.go.clear()
    began = asyncio.create_task(old.get_or_compute("n", 60, source))
    await source.begun.wait()
    waiting = asyncio.create_task(new.get_or_compute_as(NUMBERS, "n", 60, one_two))
    await until(lambda: counted(new).get(("lock", "ok")))
    source.go.set()
    assert await waiting == [1, 2]
    assert await began == source.value
