"""What is forgotten: exactly what was named, also what was being computed; and what the index keeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from redis import Redis

from app.core.cache import Cache, scripts, store
from tests.app.computed import Replica, Source, until
from tests.app.redis_commands import commands
from tests.app.servers import RedisServer

pytestmark = pytest.mark.integration


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
    many, group = scripts.BATCH + 50, 50
    for first in range(0, many, group):  # all at once would time out on a busy machine, and store less
        numbers = range(first, first + group)
        await asyncio.gather(*(cache.get_or_compute(f"many:{n}", 60, Source()) for n in numbers))
    await cache.get_or_compute("few:1", 60, Source())
    async with commands(redis.address) as seen:
        assert await cache.invalidate("few:") == 1
    assert len(seen.asked) <= 2  # once more where Redis did not know the script
    assert len(seen.inside) <= 5
    async with commands(redis.address) as seen:
        assert await cache.invalidate("many:") == many
    assert not {"KEYS", "SCAN", "FLUSHDB"} & set(seen.inside + seen.asked)
    assert (await cache.statistics() or store.Statistics(0, 0, -1)).size == 0


async def test_a_value_the_index_has_lost_is_not_served(cache: Cache, redis: RedisServer) -> None:
    await cache.get_or_compute("a", 60, Source("old"))
    with Redis.from_url(redis.address) as client:
        client.delete(store.INDEX)  # as an eviction would
    assert await cache.get_or_compute("a", 60, Source("new")) == "new"


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
