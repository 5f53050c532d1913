"""Probes on real servers that stop, hang and come back; the schema behind and ahead; draining; metrics."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from app import contract
from app.core import database, health
from app.core.context import Context
from app.core.health import KNOWN_REVISIONS, REVISIONS, Probe, schema_problems
from app.main import create_app, make_context
from app.migrations import phases
from app.settings import Settings
from tests.app.conftest import DATABASE, make_settings, run_migrations
from tests.app.servers import Postgres, RedisServer, free_port

pytestmark = pytest.mark.integration
MARGIN = 3.0  # seconds beyond the checks' limit, since the machine may be busy


async def until(answers: Callable[[], object], what: str, seconds: float = 15.0) -> None:
    end = time.monotonic() + seconds
    while not await answers():  # type: ignore[misc]
        assert time.monotonic() < end, what
        await asyncio.sleep(0.05)


async def test_a_whole_service_is_healthy_and_ready(anonymous: httpx.AsyncClient) -> None:
    body = (await anonymous.get("/health")).json()
    assert (body["status"], body["version"]) == ("healthy", "test")
    assert body["checks"] == {"database": "up", "cache": "up"}
    assert set(body) == {"status", "timestamp", "version", "checks"}
    assert (await anonymous.get("/readiness")).json() == {"status": "ready", "reasons": []}
    assert (await anonymous.get("/liveness")).json() == {"status": "alive"}


@pytest.mark.own_servers
@pytest.mark.parametrize("fault", [signal.SIGQUIT, signal.SIGSTOP])
async def test_readiness_falls_with_the_database_and_comes_back_by_itself(
    anonymous: httpx.AsyncClient, alice: httpx.AsyncClient, postgres: Postgres, fault: signal.Signals
) -> None:
    assert (await anonymous.get("/readiness")).status_code == 200
    assert (await alice.get("/categories")).status_code == 200
    postgres.send(fault) if fault == signal.SIGSTOP else postgres.stop(fault)
    try:
        begun = time.monotonic()
        down = await asyncio.gather(*(anonymous.get(path) for path in ("/readiness", "/health", "/liveness")))
        assert time.monotonic() - begun < contract.PROBE_SECONDS + MARGIN
    finally:
        postgres.send(signal.SIGCONT) if fault == signal.SIGSTOP else postgres.start()
    readiness, whole, liveness = down
    assert (readiness.status_code, readiness.json()["reasons"]) == (503, ["database away"])
    assert (whole.status_code, whole.json()["status"]) == (503, "unhealthy")
    assert whole.json()["checks"] == {"database": "down", "cache": "up"}
    assert liveness.status_code == 200

    async def ready() -> bool:
        return (await anonymous.get("/readiness")).status_code == 200

    await until(ready, "ready again")
    assert (await alice.get("/categories")).status_code == 200


async def test_a_request_without_a_database_is_told_to_come_back(
    postgres: Postgres, redis: RedisServer
) -> None:
    address = postgres.address("service", DATABASE).replace(str(postgres.port), str(free_port()))
    async for client in clients(make_settings(address, redis.address)):
        response = await client.get("/categories", headers=developer())
        body = response.json()
        assert (response.status_code, body["error_code"]) == (503, "ERR_1200")
        assert response.headers["retry-after"] == "5"
        assert postgres.password not in response.text
        assert str(postgres.port) not in response.text


@pytest.mark.own_servers
async def test_a_request_to_a_database_that_hangs_is_given_up(
    postgres: Postgres, redis: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "COMMAND_SECONDS", 0.3)
    monkeypatch.setattr(database, "CONNECT_SECONDS", 0.3)
    async for client in clients(make_settings(postgres.address("service", DATABASE), redis.address)):
        assert (await client.get("/categories", headers=developer())).status_code == 200
        postgres.send(signal.SIGSTOP)
        try:
            response = await asyncio.wait_for(client.get("/categories", headers=developer()), 8)
        finally:
            postgres.send(signal.SIGCONT)
        assert (response.status_code, response.json()["error_code"]) == (503, "ERR_1200")


async def test_a_pool_without_a_free_connection_says_busy(postgres: Postgres, redis: RedisServer) -> None:
    small = make_settings(
        postgres.address("service", DATABASE),
        redis.address,
        database_pool_size=1,
        database_max_overflow=0,
        database_pool_timeout=0.2,
    )
    context = make_context(small, {})
    async for client in clients(small, context):
        async with context.database.engine.connect():
            response = await client.get("/categories", headers=developer())
            assert (response.status_code, response.json()["error_code"]) == (503, "ERR_1201")
            assert (await client.get("/readiness")).status_code == 200  # probes have connections of their own
            figures = (await client.get("/metrics")).text
        assert 'database_pool_connections{state="in_use"} 1.0' in figures


async def test_a_role_without_a_database_is_away_and_not_a_crash(
    postgres: Postgres, redis: RedisServer
) -> None:
    address = postgres.address("service", DATABASE).removesuffix(f"/{DATABASE}") + "/nowhere"
    async for client in clients(make_settings(address, redis.address)):
        assert (await client.get("/readiness")).json()["reasons"] == ["database away"]
        assert (await client.get("/categories", headers=developer())).json()["error_code"] == "ERR_1200"


async def test_a_read_only_database_is_away_for_writes(
    postgres: Postgres, redis: RedisServer, context: Context, alice: httpx.AsyncClient
) -> None:
    assert (await alice.get("/categories")).status_code == 200
    postgres.sql(f"ALTER ROLE {DATABASE}_service SET default_transaction_read_only = on")
    try:
        await context.database.engine.dispose()
        entry = {"date": "2026-01-15", "description": "", "amount": 1, "type": "expense"}
        assert (await alice.post("/transactions", json=entry)).json()["error_code"] == "ERR_1200"
        assert (await alice.get("/categories")).status_code == 200
    finally:
        postgres.sql(f"ALTER ROLE {DATABASE}_service RESET default_transaction_read_only")
        await context.database.engine.dispose()
    assert (await alice.post("/transactions", json=entry)).status_code == 201


async def test_a_schema_behind_is_a_reason_until_the_migration_has_run(
    postgres: Postgres, redis: RedisServer, fresh_database: str
) -> None:
    settings = make_settings(postgres.address("service", fresh_database), redis.address)
    owner = postgres.address("owner", fresh_database)
    async for client in clients(settings):
        seen = []
        for revision in (None, "0001", "head"):
            if revision:
                await asyncio.to_thread(run_migrations, owner, revision)
            seen.append((await client.get("/readiness")).json()["reasons"])
    needed = phases.needed(REVISIONS)
    assert seen == [["no migration has run"], [f"schema is at 0001, this version needs {needed}"], []]


@pytest.mark.unit
def test_a_schema_ahead_is_no_reason_since_the_old_version_serves_during_an_update() -> None:
    assert schema_problems("9999") == []


async def test_a_draining_replica_is_not_ready_and_lets_connections_go(
    anonymous: httpx.AsyncClient, context: Context
) -> None:
    assert "connection" not in (await anonymous.get("/liveness")).headers
    context.draining = True
    response = await anonymous.get("/readiness")
    assert (response.status_code, response.json()["reasons"]) == (503, ["draining"])
    assert response.headers["connection"] == "close"
    assert (await anonymous.get("/categories")).status_code == 401  # still answered


async def test_health_and_metrics_can_be_switched_off(postgres: Postgres, redis: RedisServer) -> None:
    address = postgres.address("service", DATABASE)
    off = make_settings(address, redis.address, enable_metrics=False, enable_health_check=False)
    async for client in clients(off):
        codes = [(await client.get(path)).status_code for path in ("/metrics", "/health", "/readiness")]
        assert codes == [404, 404, 200]


async def test_an_unchosen_module_has_no_routes(postgres: Postgres, redis: RedisServer) -> None:
    async for client in clients(
        make_settings(postgres.address("service", DATABASE), redis.address, modules=())
    ):
        assert (await client.get("/categories", headers=developer())).status_code == 404
        assert (await client.get("/health")).status_code == 200


async def test_the_metrics_have_the_contracts_names_and_bounded_labels(
    anonymous: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    await alice.get("/stats/summary")
    for number in range(300):
        await anonymous.get(f"/nothing/{number}")
    await alice.get("/transactions/7")
    await anonymous.request("BREW", "/health")
    response = await anonymous.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(response.text)}
    for name, labels in contract.METRICS.items():
        family = families[name.removesuffix("_total")]
        found = {frozenset(sample.labels) - {"le"} for sample in family.samples}
        assert found <= {frozenset(labels)}, name
    endpoints = {sample.labels["endpoint"] for sample in families["api_requests"].samples}
    assert endpoints == {"/stats/summary", "unmatched", "/transactions/{transaction_id}", "/health"}
    counted = {tuple(s.labels.values()): s.value for s in families["api_requests"].samples}
    assert counted[("unmatched", "GET", "404")] == 300
    assert ("/health", "OTHER", "405") in counted
    assert {s.labels["error_code"] for s in families["errors"].samples} == {
        "ERR_1001",
        "ERR_1002",
        "ERR_1004",
    }


@pytest.mark.unit
async def test_checks_at_the_same_time_share_one_attempt_and_a_hanging_one_is_not_joined(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contract, "PROBE_SECONDS", 0.1)
    running = 0

    async def hang() -> str | None:
        nonlocal running
        running += 1
        await asyncio.Event().wait()
        return None

    probe = Probe("test", hang)
    assert await asyncio.gather(*(probe.result() for _ in range(10))) == [(False, None)] * 10
    assert running == 1


def developer() -> dict[str, str]:
    """The header of the development token."""
    from tests.app.conftest import DEV_TOKEN

    return {"Authorization": f"Bearer {DEV_TOKEN}"}


async def clients(settings: Settings, context: Context | None = None) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application of its own, closed afterwards."""
    from app.ledger.settings import LedgerSettings

    context = context or make_context(settings, {})
    context.modules["ledger"] = LedgerSettings()
    transport = httpx.ASGITransport(create_app(context), raise_app_exceptions=True)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        try:
            yield client
        finally:
            await context.close()


def test_the_migrations_folder_names_every_revision() -> None:
    assert tuple(sorted(health.KNOWN_REVISIONS)) == health.KNOWN_REVISIONS
    assert KNOWN_REVISIONS[0] == "0001"
