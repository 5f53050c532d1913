"""``@cached``: keys from arguments, results by type, one scope never another's."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal

import pytest
from pydantic import BaseModel

from app.core.cache import Cache, cached
from app.core.cache.decorator import part
from app.core.context import Context
from app.core.metrics import Metrics
from app.core.redis import RedisLink
from tests.app.servers import RedisServer


class Vehicle(BaseModel):
    """A result."""

    vehicle_id: int
    load: Decimal
    day: date


class Fleet:
    """One owner's vehicles; ``calls`` are the computations."""

    def __init__(self, cache: Cache, owner: str) -> None:
        self.cache = cache
        self.cache_scope = owner
        self.calls: list[tuple[object, ...]] = []

    @cached(60, "test:vehicle", tags=("vehicle:{vehicle_id}",))
    async def vehicle(self, vehicle_id: int, day: date = date(2026, 1, 31)) -> Vehicle:
        """One."""
        self.calls.append((vehicle_id, day))
        return Vehicle(vehicle_id=vehicle_id, load=Decimal("1.50"), day=day)

    @cached(60, "test:owner")
    async def owner(self) -> str | None:
        """Whose it is."""
        self.calls.append(())
        return self.cache_scope or None


@pytest.fixture
async def cache(redis: RedisServer) -> AsyncIterator[Cache]:
    """A cache."""
    made = Cache(RedisLink(redis.address), Metrics("test", "test"))
    yield made
    await made.close()


@pytest.fixture
def fleet(cache: Cache) -> Fleet:
    """One owner's."""
    return Fleet(cache, uuid.uuid4().hex)


@pytest.mark.integration
async def test_a_result_is_kept_with_its_type(fleet: Fleet) -> None:
    first, second = await fleet.vehicle(7), await fleet.vehicle(7)
    assert first == second == Vehicle(vehicle_id=7, load=Decimal("1.50"), day=date(2026, 1, 31))
    assert first is not second
    assert len(fleet.calls) == 1


@pytest.mark.integration
async def test_the_same_arguments_are_the_same_however_they_are_given(fleet: Fleet) -> None:
    await fleet.vehicle(7)
    await fleet.vehicle(vehicle_id=7)
    await fleet.vehicle(7, day=date(2026, 1, 31))
    await fleet.vehicle(7, date(2026, 2, 1))
    await fleet.vehicle(8)
    assert [call[0] for call in fleet.calls] == [7, 7, 8]


@pytest.mark.integration
async def test_nothing_is_a_result_too(cache: Cache) -> None:
    nobody = Fleet(cache, "")
    await cache.invalidate("test:owner:")
    assert [await nobody.owner(), await nobody.owner()] == [None, None]
    assert len(nobody.calls) == 1


@pytest.mark.integration
async def test_one_scope_never_sees_anothers_result(fleet: Fleet, cache: Cache) -> None:
    other = Fleet(cache, uuid.uuid4().hex)
    assert await fleet.owner() == fleet.cache_scope
    assert await other.owner() == other.cache_scope


@pytest.mark.integration
async def test_an_entity_is_forgotten_with_everything_made_from_it(fleet: Fleet, cache: Cache) -> None:
    one = uuid.uuid4().int
    other = int(f"{one}0")
    for day in (1, 2):
        await fleet.vehicle(one, date(2026, 1, day))
    await fleet.vehicle(other)
    assert await cache.invalidate_entity("vehicle", one) == 2
    await fleet.vehicle(one, date(2026, 1, 1))
    await fleet.vehicle(other)
    assert [call[0] for call in fleet.calls] == [one, one, other, one]


@pytest.mark.integration
async def test_a_function_of_the_context_is_cached_for_everybody(context: Context) -> None:
    calls = []

    @cached(60, f"test:{uuid.uuid4().hex}")
    async def sizes(context: Context, least: int) -> list[int]:
        calls.append(least)
        return [least, least + 1]

    assert [await sizes(context, 3), await sizes(context, 3)] == [[3, 4], [3, 4]]
    assert calls == [3]
    assert sizes.__name__ == "sizes"


@pytest.mark.unit
def test_parts_of_keys_are_distinct_and_hold_no_colon() -> None:
    values = [
        "a",
        "a:b",
        "a b",
        None,
        "",
        1,
        "x" * 300,
        "y" * 300,
        ["a", "b"],
        {"a": 1},
        "서울",
        "\ud800",
        "\0",
    ]
    parts = [part(value) for value in values]
    assert len(set(parts)) == len(values)
    assert not [text for text in parts if ":" in text or "\0" in text or len(text) > 200]
