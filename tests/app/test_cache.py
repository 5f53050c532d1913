"""The cache: one computation for many callers, of one process and of several."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from pydantic import TypeAdapter

from app.core.cache import Cache, store
from tests.app.computed import Replica, Source, counted, until
from tests.app.redis_commands import commands
from tests.app.servers import RedisServer

pytestmark = pytest.mark.integration
NUMBERS: TypeAdapter[list[int]] = TypeAdapter(list[int])


async def test_a_value_is_computed_once_and_then_found(cache: Cache) -> None:
    source = Source()
    assert [await cache.get_or_compute("a", 60, source) for _ in range(3)] == ["value"] * 3
    assert source.times == 1
    assert counted(cache) == {("get", "miss"): 1, ("set", "ok"): 1, ("get", "hit"): 2}


async def test_a_hit_is_one_round_trip_and_a_miss_two(cache: Cache, redis: RedisServer) -> None:
    await cache.get_or_compute("warm", 60, Source())
    async with commands(redis.address) as missed:
        await cache.get_or_compute("b", 60, Source(), tags=("one", "two"))
    async with commands(redis.address) as hit:
        await cache.get_or_compute("b", 60, Source(), tags=("one", "two"))
    assert hit.asked == ["EVALSHA"]
    assert set(missed.asked) <= {"EVALSHA", "EVAL"}
    assert missed.asked.count("EVALSHA") == 2


async def test_values_expire(cache: Cache) -> None:
    source = Source()
    await cache.get_or_compute("short", 1, source)
    end = time.monotonic() + 5
    while source.times == 1:
        assert time.monotonic() < end, "never computed again"
        await cache.get_or_compute("short", 1, source)


async def test_many_callers_of_one_process_share_one_computation(cache: Cache) -> None:
    source = Source()
    source.go.clear()
    callers = [asyncio.create_task(cache.get_or_compute("a", 60, source)) for _ in range(100)]
    await source.begun.wait()
    source.go.set()
    assert set(await asyncio.gather(*callers)) == {"value"}
    assert source.times == 1


async def test_callers_of_other_replicas_wait_for_the_one_that_computes(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 60.0)
    source, caches = Source(), [replica() for _ in range(3)]
    source.go.clear()
    callers = [
        asyncio.create_task(cache.get_or_compute("a", 60, source)) for cache in caches for _ in range(20)
    ]
    await source.begun.wait()
    await until(lambda: sum(counted(cache).get(("lock", "ok"), 0) > 0 for cache in caches) == 2)
    source.go.set()
    assert set(await asyncio.gather(*callers)) == {"value"}
    assert source.times == 1
    assert sum(counted(cache).get(("lock", "waited"), 0) for cache in caches) == 2


async def test_a_caller_that_is_answered_before_the_one_with_the_claim_does_not_wait(
    cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 60.0)
    source, ask, claimed, late = Source(), cache._link.run, asyncio.Event(), asyncio.Event()
    source.go.clear()

    async def run(*question: Any) -> Any:
        answer = await ask(*question)
        if not claimed.is_set():
            claimed.set()
            await late.wait()
        return answer

    monkeypatch.setattr(cache._link, "run", run)
    callers = [asyncio.create_task(cache.get_or_compute("a", 60, source))]
    await claimed.wait()
    callers.append(asyncio.create_task(cache.get_or_compute("a", 60, source)))
    await until(source.begun.is_set, 20)
    late.set()
    source.go.set()
    assert set(await asyncio.gather(*callers)) == {"value"}
    assert source.times == 1
    assert ("lock", "ok") not in counted(cache)


async def test_a_failure_reaches_whoever_waits_and_is_not_kept(cache: Cache) -> None:
    source = Source()
    source.go.clear()
    source.error = LookupError("nothing there")
    callers = [asyncio.create_task(cache.get_or_compute("a", 60, source)) for _ in range(5)]
    await source.begun.wait()
    source.go.set()
    errors = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(error) for error in errors] == [LookupError] * 5
    source.error = None
    assert await cache.get_or_compute("a", 60, source) == "value"
    assert source.times == 2


async def test_another_replica_does_not_wait_for_one_that_has_failed(
    replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "WAIT_SECONDS", 60.0)
    source, other, caches = Source(), Source("other"), (replica(), replica())
    source.go.clear()
    source.error = LookupError("nothing there")
    failing = asyncio.create_task(caches[0].get_or_compute("a", 60, source))
    await source.begun.wait()
    waiting = asyncio.create_task(caches[1].get_or_compute("a", 60, other))
    await until(lambda: counted(caches[1]).get(("lock", "ok")))
    begun = time.monotonic()
    source.go.set()
    with pytest.raises(LookupError):
        await failing
    assert await waiting == "other"
    assert time.monotonic() - begun < store.WAIT_SECONDS


async def test_a_caller_that_leaves_does_not_end_the_computation_for_the_others(cache: Cache) -> None:
    source = Source()
    source.go.clear()
    first, second = (asyncio.create_task(cache.get_or_compute("a", 60, source)) for _ in range(2))
    await source.begun.wait()
    first.cancel()
    source.go.set()
    assert await second == "value"
    assert source.times == 1


async def test_nobody_waiting_for_a_failure_is_no_complaint(cache: Cache) -> None:
    source = Source()
    source.go.clear()
    source.error = LookupError("nothing there")
    only = asyncio.create_task(cache.get_or_compute("a", 60, source))
    await source.begun.wait()
    only.cancel()
    source.go.set()
    await until(lambda: not cache._computing)
    assert source.times == 1


async def test_closing_gives_up_what_is_being_computed(cache: Cache) -> None:
    source = Source()
    source.go.clear()
    caller = asyncio.create_task(cache.get_or_compute("a", 60, source))
    await source.begun.wait()
    await cache.close()
    with pytest.raises(asyncio.CancelledError):
        await caller


async def test_everybody_gets_a_copy(cache: Cache) -> None:
    first, second = await asyncio.gather(
        *(cache.get_or_compute_as(NUMBERS, "n", 60, one_two) for _ in range(2))
    )
    first.append(3)
    assert second == [1, 2]


async def one_two() -> list[int]:
    return [1, 2]
