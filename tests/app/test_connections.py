"""Connections of the pool are used only while they live, and are asked no more often than that needs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import event, text

from app.core import database
from app.core.context import Context
from tests.app.conftest import DATABASE
from tests.app.servers import Postgres, wait_for

pytestmark = pytest.mark.integration
OURS = "FROM pg_stat_activity WHERE application_name = 'slipway-service'"


def end_connections(postgres: Postgres) -> None:
    """Returns when the server has closed all that the requests use."""
    postgres.sql(f"SELECT pg_terminate_backend(pid) {OURS}")
    wait_for(lambda: postgres.sql(f"SELECT count(*) {OURS}") == "0", "the connections have ended")


@pytest.fixture
async def ended(context: Context, postgres: Postgres) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """``ended()`` ends all connections and returns when this side has heard of it too: a request that uses
    one in between finds it dying, and is told to try again."""
    opened: list[Any] = []

    def note(connection: Any, _record: Any) -> None:
        opened.append(connection.driver_connection)

    async def end() -> None:
        await asyncio.to_thread(end_connections, postgres)
        async with asyncio.timeout(10):
            while not all(connection.is_closed() for connection in opened):
                await asyncio.sleep(0.01)

    await context.database.engine.dispose()
    event.listen(context.database.engine.sync_engine, "connect", note)
    yield end
    event.remove(context.database.engine.sync_engine, "connect", note)


@pytest.fixture
def pinged(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Sets after how many idle seconds a connection is asked."""
    return lambda seconds: monkeypatch.setattr(database, "PING_AFTER_SECONDS", seconds)


async def last_statement(context: Context, postgres: Postgres) -> str:
    """What the server saw last of the connection that was used last."""
    async with context.database.reading() as session:
        pid = await session.scalar(text("SELECT pg_backend_pid()"))
    asked = await context.database.engine.connect()
    await asked.close()
    return postgres.sql(f"SELECT query FROM pg_stat_activity WHERE pid = {pid}")  # noqa: S608  (a number)


@pytest.mark.parametrize("after", [0.0, 3600.0])
async def test_connections_that_the_server_ended_fail_no_request(
    after: float,
    pinged: Callable[[float], None],
    alice: httpx.AsyncClient,
    add: Callable[..., Awaitable[dict[str, object]]],
    ended: Callable[[], Awaitable[None]],
) -> None:
    pinged(after)
    entry = await add()
    for _ in range(5):
        await ended()
        response = await alice.get(f"/transactions/{entry['id']}")
        assert response.status_code == 200, response.text


async def test_a_server_without_a_connection_for_us_is_away(
    alice: httpx.AsyncClient, postgres: Postgres, ended: Callable[[], Awaitable[None]]
) -> None:
    role = f"ALTER ROLE {DATABASE}_service CONNECTION LIMIT"
    await asyncio.to_thread(postgres.sql, f"{role} 0")
    try:
        await ended()
        answer = await alice.get("/categories")
    finally:
        await asyncio.to_thread(postgres.sql, f"{role} -1")
    assert (answer.status_code, answer.json()["error_code"]) == (503, "ERR_1200")
    assert answer.headers["Retry-After"] == "5"
    assert (await alice.get("/categories")).status_code == 200


async def test_a_connection_that_lay_idle_is_asked(
    context: Context, postgres: Postgres, pinged: Callable[[float], None]
) -> None:
    pinged(0.0)
    assert await last_statement(context, postgres) == "SELECT 1"


async def test_a_connection_used_a_moment_ago_is_not_asked(
    context: Context, postgres: Postgres, pinged: Callable[[float], None]
) -> None:
    pinged(3600.0)
    assert await last_statement(context, postgres) == "SELECT pg_backend_pid()"
