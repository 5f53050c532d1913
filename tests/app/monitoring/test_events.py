"""Answered errors, kept and found again: batches, outages, the end of a replica, pages, retention."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from app.core import logs
from app.core.auth.users import Identity
from app.core.context import Context
from app.core.monitoring import store
from app.core.monitoring.store import EventStore, time_id
from app.main import create_app, make_context
from tests.app.conftest import DATABASE, make_settings
from tests.app.servers import Postgres, RedisServer, free_port

pytestmark = pytest.mark.integration
EVENTS = "/api/monitoring/events"
ClientFor = Callable[[str], httpx.AsyncClient]


def rows(postgres: Postgres, condition: str) -> int:
    found = postgres.sql(f"SELECT count(*) FROM monitoring_events WHERE {condition}", database=DATABASE)  # noqa: S608
    return int(found)


async def until(fact: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < end, what
        await asyncio.sleep(0.02)


def scope(trace: str, **state: Any) -> dict[str, Any]:
    return {"type": "http", "method": "GET", "state": {"trace_id": trace, "request_id": trace, **state}}


def dropped(context: Context) -> float | None:
    return context.metrics.registry.get_sample_value("events_dropped_total")


async def test_an_error_is_found_by_its_trace_id_at_once(
    alice: httpx.AsyncClient, admin: httpx.AsyncClient
) -> None:
    key = uuid.uuid4()
    refused = await alice.get(f"/transactions/{key}?q=alice@example.org", headers={"X-Request-ID": "r-17"})
    trace = refused.json()["trace_id"]
    (found,) = (await admin.get(EVENTS, params={"trace_id": trace})).json()["items"]
    assert found["timestamp"][:16] == refused.json()["timestamp"][:16]
    expected = {"level": "warning", "error_code": "ERR_1002", "status": 404, "method": "GET"}
    expected |= {"route": "/transactions/{transaction_id}", "message": "Transaction not found"}
    expected |= {"trace_id": trace, "request_id": "r-17", "exception": "NotFoundError"}
    assert found.items() >= expected.items()
    assert uuid.UUID(found["id"]).version == 7
    assert len(found["principal"]) == 32
    assert "alice" not in json.dumps(found)
    assert str(key) not in json.dumps(found)


async def test_the_request_id_finds_it_too(anonymous: httpx.AsyncClient, admin: httpx.AsyncClient) -> None:
    name = f"r-{uuid.uuid4()}"
    await anonymous.get("/categories", headers={"X-Request-ID": name})
    (found,) = (await admin.get(EVENTS, params={"trace_id": name})).json()["items"]
    assert (found["error_code"], found["principal"], found["request_id"]) == ("ERR_1100", None, name)


async def test_two_people_are_told_apart_and_one_is_recognised(
    client_for: ClientFor, admin: httpx.AsyncClient
) -> None:
    principals = []
    for name in ("ann", "ann", "ben"):
        refused = await client_for(name).get(f"/transactions/{uuid.uuid4()}")
        found = await admin.get(EVENTS, params={"trace_id": refused.json()["trace_id"]})
        principals.append(found.json()["items"][0]["principal"])
    assert principals[0] == principals[1] != principals[2]


@pytest.mark.parametrize(("name", "status"), [("", 401), ("alice", 403)])
async def test_only_an_admin_sees_events(client_for: ClientFor, name: str, status: int) -> None:
    assert (await client_for(name).get(EVENTS)).status_code == status


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 201},
        {"error_code": "ERR_9999"},
        {"trace_id": "a b"},
        {"trace_id": "x" * 129},
        {"since": "yesterday"},
        {"since": "2026-01-01T00:00:00"},
        {"cursor": "1"},
        {"colour": "red"},
    ],
)
async def test_a_wrong_filter_is_refused(admin: httpx.AsyncClient, query: dict[str, Any]) -> None:
    response = await admin.get(EVENTS, params=query)
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1001")


async def test_pages_go_on_where_the_one_before_ended_and_filters_narrow(
    context: Context, admin: httpx.AsyncClient
) -> None:
    begun = datetime.now(UTC)
    for number in range(7):
        context.events.record(scope(f"{number:032x}"), "ERR_1507" if number % 2 else "ERR_1506", "m", None)
        await asyncio.sleep(0.002)  # ids are ordered by milliseconds
    query: dict[str, Any] = {"since": begun.isoformat(), "limit": 3}
    traces, pages = [], 0
    while pages == 0 or query["cursor"]:
        body = (await admin.get(EVENTS, params=query)).json()
        traces += [int(event["trace_id"], 16) for event in body["items"]]
        query["cursor"] = body["next_cursor"]
        pages += 1
    assert (traces, pages) == ([6, 5, 4, 3, 2, 1, 0], 3)
    del query["cursor"]
    odd = (await admin.get(EVENTS, params=query | {"error_code": "ERR_1507"})).json()
    assert [int(event["trace_id"], 16) for event in odd["items"]] == [5, 3, 1]
    assert odd["next_cursor"] is None
    before = (await admin.get(EVENTS, params={"until": begun.isoformat(), "error_code": "ERR_1507"})).json()
    assert not [event for event in before["items"] if event["timestamp"] >= begun.isoformat()]


@pytest.mark.parametrize("since", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1969-12-31T00:00:00Z"])
async def test_far_moments_are_no_fault(admin: httpx.AsyncClient, since: str) -> None:
    for name in ("since", "until"):
        assert (await admin.get(EVENTS, params={name: since})).status_code == 200


async def test_the_task_writes_by_itself_and_in_batches(
    context: Context, postgres: Postgres, statements: list[str]
) -> None:
    trace = uuid.uuid4().hex
    context.events.start()
    for _ in range(50):
        context.events.record(scope(trace), "ERR_1000", "m", RuntimeError("x"))
    await until(
        lambda: rows(postgres, f"trace_id = '{trace}' AND exception = 'RuntimeError'") == 50, "stored"
    )
    assert sum("INSERT INTO monitoring_events" in statement for statement in statements) == 1


async def test_a_message_is_masked_and_made_storable(context: Context, postgres: Postgres) -> None:
    trace = uuid.uuid4().hex
    identity = Identity("user_1", "alice@example.org")
    message = "of alice@example.org\0\ud800 " + "x" * 1_000
    context.events.record(scope(trace, identity=identity), "ERR_1000", message, None)
    await context.events.flush()
    stored = f"trace_id = '{trace}' AND monitoring_events::text"
    assert rows(postgres, f"{stored} LIKE '%of ***%'") == 1
    assert rows(postgres, f"{stored} ~ 'example.org|user_1'") == 0


@pytest.mark.own_servers
async def test_events_wait_while_the_database_is_away_and_are_written_once_it_is_back(
    context: Context,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("INFO")
    monkeypatch.setattr(store, "GATHER_SECONDS", 0.01)
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.1)
    trace = uuid.uuid4().hex
    context.events.start()
    postgres.stop()
    try:
        for _ in range(3):
            context.events.record(scope(trace), "ERR_1200", "m", None)
        await until(lambda: '"events wait"' in capsys.readouterr().out, "a try that failed")
    finally:
        postgres.start()
    await until(lambda: rows(postgres, f"trace_id = '{trace}'") == 3, "stored after the outage")
    assert dropped(context) == 0


async def test_a_batch_that_is_written_twice_is_stored_once(context: Context, postgres: Postgres) -> None:
    """As after a commit whose answer was lost."""
    trace = uuid.uuid4().hex
    context.events.record(scope(trace), "ERR_1000", "m", None)
    (kept,) = context.events._waiting
    await context.events.flush()
    context.events._waiting.append(kept)
    await context.events.flush()
    assert rows(postgres, f"trace_id = '{trace}'") == 1


async def test_what_no_table_can_hold_is_dropped_and_holds_nobody_up(
    context: Context, postgres: Postgres
) -> None:
    trace = uuid.uuid4().hex
    context.events.record(scope("x" * 33), "ERR_1000", "m", None)
    await context.events.flush()
    assert dropped(context) == 1
    context.events.record(scope(trace), "ERR_1000", "m", None)
    await context.events.flush()
    assert rows(postgres, f"trace_id = '{trace}'") == 1


async def test_the_end_of_a_replica_writes_what_waits(context: Context, postgres: Postgres) -> None:
    trace = uuid.uuid4().hex
    app = create_app(context)
    async with app.router.lifespan_context(app):
        for _ in range(1_200):
            context.events.record(scope(trace), "ERR_1000", "m", None)
    assert rows(postgres, f"trace_id = '{trace}'") == 1_200


async def test_without_a_database_the_end_counts_what_is_lost_and_takes_no_long_time(
    postgres: Postgres, redis: RedisServer
) -> None:
    address = postgres.address("service", DATABASE).replace(str(postgres.port), str(free_port()))
    context = make_context(make_settings(address, redis.address), {})
    context.events.record(scope("a" * 32), "ERR_1000", "m", None)
    begun = time.monotonic()
    await context.close()
    assert time.monotonic() - begun < store.STOP_SECONDS + 3
    assert dropped(context) == 1


async def test_a_request_does_not_wait_for_the_store(
    client_for: ClientFor, context: Context, postgres: Postgres
) -> None:
    """With the table locked, errors are answered as ever."""
    context.events.start()
    async with context.database.engine.connect() as connection:
        await connection.exec_driver_sql("LOCK TABLE monitoring_events IN EXCLUSIVE MODE")
        answers = [await client_for("").get("/categories") for _ in range(20)]
        assert {answer.status_code for answer in answers} == {401}
        assert len(context.events._waiting) == 20
    trace = answers[-1].json()["trace_id"]
    await until(lambda: rows(postgres, f"trace_id = '{trace}'") == 1, "stored after the lock")


@pytest.mark.unit
def test_ids_are_uuids_of_version_7_in_the_order_of_time() -> None:
    moment = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    example = time_id(moment, 0xCC3 << 62 | 0x18C4DC0C0C07398F)  # RFC 9562, A.6
    assert str(example) == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f"
    later = time_id(moment + timedelta(milliseconds=1), 0)
    assert time_id(moment, 0) <= time_id(moment) < later
    assert (later.version, later.variant) == (7, uuid.RFC_4122)


@pytest.mark.unit
def test_an_event_outside_any_route_has_no_route_and_no_person(context: Context) -> None:
    context.events.record({"type": "http", "method": "BREW"}, "ERR_1006", "m", None)
    (event,) = context.events._waiting
    context.events._waiting.clear()
    assert (event["route"], event["principal"], event["method"]) == (None, None, "other")


def test_the_key_of_principals_is_the_services_own(context: Context) -> None:
    other = make_settings(
        "postgresql://x@h/d", "redis://h", secret_key="an0ther-k3y-of-the-tests-9876543210abc"
    )
    stores = [context.events, EventStore(other, context.database, context.metrics)]
    identity = Identity("user_1", "alice@example.org")
    assert len({kept._principal(identity) for kept in stores}) == 2
