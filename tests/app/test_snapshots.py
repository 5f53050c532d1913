"""What is read by several statements is of one moment, whatever is written between them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.core.context import Context
from app.dispatch.repository import DispatchRepository
from app.ledger.repository import LedgerRepository
from app.ledger.statistics_repository import StatisticsRepository
from tests.app.dispatch.conftest import Dispatcher

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
Meanwhile = Callable[..., None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """``meanwhile(Repository, "method", write)``: writes, once, just before the method reads."""

    def install(repository: type[Any], method: str, write: Callable[[], Awaitable[Any]]) -> None:
        read, writes = getattr(repository, method), [write]

        async def after_the_write(*arguments: Any, **named: Any) -> Any:
            if writes:
                await writes.pop()()
            return await read(*arguments, **named)

        monkeypatch.setattr(repository, method, after_the_write)

    return install


async def test_an_export_beside_a_write_has_all_of_it_or_nothing(
    alice: httpx.AsyncClient, add: Add, meanwhile: Meanwhile
) -> None:
    await add(description="before")

    async def write() -> None:
        category = (await alice.post("/categories", json={"name": "반려동물", "emoji": "🐈"})).json()
        await add(description="with a new category", category_id=category["id"])

    meanwhile(LedgerRepository, "transactions", write)
    during, after = [(await alice.get("/backup/export")).json() for _ in range(2)]
    assert [entry["description"] for entry in during["transactions"]] == ["before"]
    assert during["categories"] == []
    assert [entry.get("category") for entry in after["transactions"]] == [None, "🐈 반려동물"]


async def test_the_months_of_assets_end_where_its_balance_stands(
    alice: httpx.AsyncClient, add: Add, meanwhile: Meanwhile
) -> None:
    await add(amount="1", type="income")
    meanwhile(StatisticsRepository, "months", lambda: add(amount="2", type="income"))
    found = (await alice.get("/stats/assets?day=2026-01-31&from=2026-01&to=2026-01")).json()
    assert (found["confirmed"], found["months"][-1]["confirmed"]) == ("1.00", "1.00")


async def test_a_dispatch_and_its_history_are_of_one_moment(
    alice: httpx.AsyncClient, meanwhile: Meanwhile
) -> None:
    desk = Dispatcher(alice)
    dispatch = await desk.dispatch()
    meanwhile(DispatchRepository, "steps", lambda: desk.move(dispatch["id"], "ACCEPTED"))
    during, after = [await desk.get(f"/dispatches/{dispatch['id']}") for _ in range(2)]
    for found, statuses in ((during, ["ASSIGNED"]), (after, ["ASSIGNED", "ACCEPTED"])):
        assert [step["status"] for step in found["history"]] == statuses
        assert found["status"] == statuses[-1]


async def test_a_snapshot_leaves_the_connection_as_it_was(context: Context) -> None:
    database = context.database
    level = text("SHOW transaction_isolation")
    for _ in range(3):
        async with database.reading() as session:
            assert await session.scalar(level) == "read committed"
            raw = await (await session.connection()).get_raw_connection()
            assert raw.driver_connection is not None
            assert not raw.driver_connection.is_in_transaction()
        async with database.snapshot() as session:
            assert await session.scalar(level) == "repeatable read"
        async with database.transaction() as session:
            assert await session.scalar(level) == "read committed"
    assert database.engine.pool.checkedin() == 1  # type: ignore[attr-defined]  # it was one and the same
