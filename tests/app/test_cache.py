"""The cache: one computation for many callers, nothing old after an invalidation, and life without Redis."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pydantic import TypeAdapter
from redis import Redis

from app.core.cache import Cache, scripts, store
from app.core.metrics import Metrics
from app.core.redis import RedisLink
from tests.app.redis_commands import commands
from tests.app.servers import RedisServer, free_port

pytestmark = pytest.mark.integration
NUMBERS: TypeAdapter[list[int]] = TypeAdapter(list[int])
Replica = Callable[[], Cache]


@pytest.fixture
async def replica(redis: RedisServer) -> AsyncIterator[Replica]:
    """``replica()``: one more process's cache, on the same Redis, which was emptied before."""
    with Redis.from_url(redis.address) as client:
        client.flushall()
    made: list[Cache] = []

    def make() -> Cache:
        made.append(Cache(RedisLink(redis.address), Metrics("test", "test")))
        return made[-1]

    yield make
    for cache in made:
        await cache.close()


@pytest.fixture
def cache(replica: Replica) -> Cache:
    """One process's cache."""
    return replica()


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


async def test_callers_of_other_replicas_wait_for_the_one_that_computes(replica: Replica) -> None:
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


async def until(fact: Callable[[], object], seconds: float = 5) -> None:
    """Polls until the fact is true."""
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, "never true"
        await asyncio.sleep(0.01)


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
    assert 0.2 <= time.monotonic() - begun < 2
    assert await replica().get_or_compute("a", 60, Source("never")) == "value"
    source.go.set()
    assert await began == "late"


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


async def test_another_replica_does_not_wait_for_one_that_has_failed(replica: Replica) -> None:
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


Forget = Callable[[Cache], Awaitable[int | None]]
WAYS: dict[str, Forget] = {
    "prefix": lambda cache: cache.invalidate("book:"),
    "tag": lambda cache: cache.invalidate_tag("page:7"),
    "entity": lambda cache: cache.invalidate_entity("page", 7),
}


@pytest.mark.parametrize("way", WAYS)
async def test_an_invalidation_forgets_what_it_names_and_nothing_else(cache: Cache, way: str) -> None:
    for key, tags in (("book:1", ("page:7",)), ("book:2", ("page:7", "x")), ("bookish", ("page:77",))):
        await cache.get_or_compute(key, 60, Source("old"), tags)
    assert await WAYS[way](cache) == 2
    found = [await cache.get_or_compute(key, 60, Source("new")) for key in ("book:1", "book:2", "bookish")]
    assert found == ["new", "new", "old"]


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_being_computed_during_an_invalidation_is_not_stored(
    replica: Replica, way: str
) -> None:
    cache, other, source = replica(), replica(), Source("old")
    source.go.clear()
    early = asyncio.create_task(cache.get_or_compute("book:1", 60, source, ("page:7",)))
    await source.begun.wait()
    source.value = "new"  # committed, and then:
    assert await WAYS[way](other) == 0
    late = asyncio.create_task(cache.get_or_compute("book:1", 60, source, ("page:7",)))
    await until(lambda: source.times == 2)  # who comes after the invalidation shares nothing from before it
    source.go.set()
    assert (await early, await late) == ("old", "new")
    assert await other.get_or_compute("book:1", 60, Source("newer"), ("page:7",)) == "new"


async def test_an_invalidation_costs_what_it_forgets(cache: Cache, redis: RedisServer) -> None:
    many = scripts.BATCH + 50
    await asyncio.gather(*(cache.get_or_compute(f"many:{n}", 60, Source()) for n in range(many)))
    await cache.get_or_compute("few:1", 60, Source())
    async with commands(redis.address) as seen:
        assert await cache.invalidate("few:") == 1
    assert len(seen.asked) <= 2  # once more where Redis did not know the script
    assert len(seen.inside) <= 5
    async with commands(redis.address) as seen:
        assert await cache.invalidate("many:") == many
    assert not {"KEYS", "SCAN", "FLUSHDB"} & set(seen.inside + seen.asked)
    assert (await cache.statistics() or store.Statistics(0, 0, -1)).size == 0


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


async def test_a_value_the_index_has_lost_is_not_served(cache: Cache, redis: RedisServer) -> None:
    await cache.get_or_compute("a", 60, Source("old"))
    with Redis.from_url(redis.address) as client:
        client.delete(store.INDEX)  # as an eviction would
    assert await cache.get_or_compute("a", 60, Source("new")) == "new"


async def test_everybody_gets_a_copy(cache: Cache) -> None:
    first, second = await asyncio.gather(
        *(cache.get_or_compute_as(NUMBERS, "n", 60, one_two) for _ in range(2))
    )
    first.append(3)
    assert second == [1, 2]


async def test_statistics_are_those_of_all_replicas(replica: Replica) -> None:
    caches = [replica(), replica()]
    assert await caches[0].statistics() == (0, 0, 0)
    for cache in caches:
        for key in ("a", "b"):
            await cache.get_or_compute(key, 60, Source(), ("tag",))
    assert [await cache.statistics() for cache in caches] == [(2, 2, 2)] * 2


async def test_what_has_expired_leaves_the_index(cache: Cache, redis: RedisServer) -> None:
    for number in range(5):
        await cache.get_or_compute(f"a{number}", 1, Source(), ("tag",))
    end = time.monotonic() + 5
    while (found := await cache.statistics()) is None or found.size:
        assert time.monotonic() < end, "the size stays"
    with Redis.from_url(redis.address) as client:
        assert client.keys(f"{store.PREFIX}*") == [store.COUNTED.encode()]


async def test_computing_again_keeps_the_later_end(cache: Cache) -> None:
    await cache.get_or_compute("a", 60, Source())
    await cache.get_or_compute("short", 1, Source())
    end = time.monotonic() + 5
    while (found := await cache.statistics()) is None or found.size > 1:
        assert time.monotonic() < end, "the short one stays"
    assert await cache.get_or_compute("a", 60, Source("new")) == "value"


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
    assert counted(cache)[("get", "error")] == 1
    await cache.close()


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
