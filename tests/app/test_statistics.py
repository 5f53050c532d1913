"""Summaries: right sums, from the cache only while nothing was written, and right without any cache."""

from __future__ import annotations

import signal
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from app.core.context import Context
from tests.app.servers import RedisServer

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
NOTHING = {"income": "0.00", "expense": "0.00", "balance": "0.00", "count": 0}


async def test_an_empty_ledger_sums_to_nothing(alice: httpx.AsyncClient) -> None:
    assert (await alice.get("/stats/summary")).json() == NOTHING


async def test_sums_are_exact_and_of_the_period(add: Add, alice: httpx.AsyncClient) -> None:
    for day, amount, kind in (
        ("2025-12-31", "0.10", "income"),
        ("2026-01-01", "9999999999999.99", "income"),
        ("2026-01-31", "0.02", "expense"),
        ("2026-02-01", "0.20", "expense"),
    ):
        await add(date=day, amount=amount, type=kind)
    january = {"income": "9999999999999.99", "expense": "0.02", "balance": "9999999999999.97", "count": 2}
    assert (await alice.get("/stats/summary?year=2026&month=1")).json() == january
    assert (await alice.get("/stats/monthly/2026/1")).json() == january | {"year": 2026, "month": 1}
    year = {"income": "9999999999999.99", "expense": "0.22", "balance": "9999999999999.77", "count": 3}
    assert (await alice.get("/stats/summary?year=2026")).json() == year
    everything = {"income": "10000000000000.09", "expense": "0.22", "balance": "9999999999999.87", "count": 4}
    assert (await alice.get("/stats/summary")).json() == everything


async def test_another_users_month_is_not_in_the_sums(
    add: Add, alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await add(amount=1)
    await add(bob, amount=20)
    for client, expense in ((alice, "1.00"), (bob, "20.00")):
        found = (await client.get("/stats/monthly/2026/1")).json()
        assert (found["expense"], found["count"]) == (expense, 1)


async def test_planned_entries_count_unless_a_status_is_asked_for(add: Add, alice: httpx.AsyncClient) -> None:
    await add(amount=1)
    await add(amount=2, status="scheduled")
    found = {
        s: (await alice.get(f"/stats/monthly/2026/1{s}")).json()["expense"] for s in ("", "?status=confirmed")
    }
    assert found == {"": "3.00", "?status=confirmed": "1.00"}


async def test_a_month_without_a_year_is_refused(alice: httpx.AsyncClient) -> None:
    body = (await alice.get("/stats/summary?month=1")).json()
    assert body["details"]["problems"] == [{"field": "query.month", "problem": "needs a year"}]


@pytest.mark.parametrize(
    "path", ["summary?year=1", "summary?year=2026&month=13", "monthly/2026/0", "monthly/3000/1"]
)
async def test_a_period_that_cannot_be_is_refused(alice: httpx.AsyncClient, path: str) -> None:
    assert (await alice.get(f"/stats/{path}")).status_code == 422


async def test_a_second_look_comes_from_the_cache(
    add: Add, alice: httpx.AsyncClient, context: Context, statements: list[str]
) -> None:
    await add()
    first = (await alice.get("/stats/summary")).json()
    statements.clear()
    assert (await alice.get("/stats/summary")).json() == first
    assert not [statement for statement in statements if "sum(" in statement]
    assert operations(context) == {("get", "miss"): 1, ("set", "ok"): 1, ("get", "hit"): 1}


async def test_every_kind_of_write_is_seen_at_once(add: Add, alice: httpx.AsyncClient) -> None:
    async def expense() -> str:
        return str((await alice.get("/stats/summary")).json()["expense"])

    seen = [await expense()]
    path = f"/transactions/{(await add(amount=1))['id']}"
    seen.append(await expense())
    entry = {"date": "2026-01-15", "description": "", "amount": 2, "type": "expense"}
    await alice.put(path, json=entry)
    seen.append(await expense())
    await alice.post("/backup/import", json={"transactions": [entry | {"amount": 3}]})
    seen.append(await expense())
    await alice.delete(path)
    seen.append(await expense())
    assert seen == ["0.00", "1.00", "2.00", "5.00", "3.00"]


async def test_one_users_summary_is_never_anothers(
    add: Add, alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    await add()
    assert (await alice.get("/stats/summary")).json()["count"] == 1
    assert (await bob.get("/stats/summary")).json() == NOTHING


@pytest.mark.own_servers
@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGTERM])
async def test_a_write_while_redis_is_away_is_seen_during_and_after(
    add: Add, alice: httpx.AsyncClient, context: Context, redis: RedisServer, fault: signal.Signals
) -> None:
    await add(amount=1)
    assert (await alice.get("/stats/summary")).json()["expense"] == "1.00"
    if fault == signal.SIGSTOP:
        redis.send(fault)
    else:
        redis.stop(fault)
    try:
        await add(amount=2)
        during = [(await alice.get("/stats/summary")).json()["expense"] for _ in range(2)]
        assert (await alice.get("/health")).json()["status"] == "degraded"
        assert (await alice.get("/readiness")).status_code == 200
    finally:
        if fault == signal.SIGSTOP:
            redis.send(signal.SIGCONT)
        else:
            redis.start()
    assert during == ["3.00", "3.00"]
    counted = operations(context)
    assert ("get", "error") not in counted  # the rate limit found out, and
    assert counted[("get", "skipped")] == 2  # nobody waits for Redis again so soon
    assert (await alice.get("/health")).json()["status"] == "healthy"  # an answered ping ends the rest
    for _ in range(2):
        assert (await alice.get("/stats/summary")).json()["expense"] == "3.00"
    assert operations(context)[("get", "hit")] == 1


async def test_a_full_redis_is_no_error(
    add: Add, alice: httpx.AsyncClient, context: Context, full_redis: None
) -> None:
    await add(amount=1)
    assert (await alice.get("/stats/summary")).json()["expense"] == "1.00"
    assert operations(context)[("get", "skipped")] == 1  # the rate limit has just found out


@pytest.fixture
async def full_redis(redis: RedisServer) -> Any:
    """Redis refuses every write while the test runs."""
    client = Redis.from_url(redis.address)
    await client.config_set("maxmemory", "1")
    yield
    await client.config_set("maxmemory", "0")
    await client.aclose()


def operations(context: Context) -> dict[tuple[str, str], float]:
    """(operation, result) → how often."""
    found: dict[tuple[str, str], float] = {}
    for metric in context.metrics.registry.collect():
        if metric.name == "cache_operations":
            for sample in metric.samples:
                found[(sample.labels["operation"], sample.labels["result"])] = sample.value
    return found
