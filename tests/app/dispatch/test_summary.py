"""The summary is right at once after a write, for everybody who sees the dispatch, and is kept otherwise."""

from __future__ import annotations

from datetime import datetime, timedelta, tzinfo

import httpx
import pytest
from sqlalchemy import update

from app.core.context import Context
from app.dispatch import service
from app.dispatch.models import Dispatch
from app.dispatch.statuses import KOREA
from tests.app.dispatch.conftest import Dispatcher
from tests.app.dispatch.test_access import account_of

pytestmark = pytest.mark.integration
EMPTY = dict.fromkeys(
    ("ASSIGNED", "ACCEPTED", "PICKED_UP", "IN_TRANSIT", "COMPLETED", "REJECTED", "CANCELLED"), 0
)


async def test_a_write_shows_in_the_next_summary(desk: Dispatcher) -> None:
    empty = await desk.get("/mobile/summary")
    assert (empty["total"], empty["by_status"], empty["today"]) == (0, EMPTY, EMPTY)
    dispatch = await desk.dispatch()
    assert (await desk.get("/mobile/summary"))["by_status"] == EMPTY | {"ASSIGNED": 1}
    for status in ("ACCEPTED", "PICKED_UP", "IN_TRANSIT", "COMPLETED"):
        await desk.move(dispatch["id"], status)
        found = await desk.get("/mobile/summary")
        assert (found["total"], found["by_status"]) == (1, EMPTY | {status: 1})


async def test_a_driver_and_the_dispatcher_see_each_others_writes(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    driver = await desk.driver(user_id=await account_of(bob))
    dispatch = await desk.dispatch(driver_id=driver["id"])
    assert (await other.get("/mobile/summary"))["by_status"]["ASSIGNED"] == 1
    await other.send("PUT", f"/mobile/dispatches/{dispatch['id']}/status", 200, status="ACCEPTED")
    for account in (desk, other):
        assert (await account.get("/mobile/summary"))["by_status"] == EMPTY | {"ACCEPTED": 1}
    await desk.move(dispatch["id"], "CANCELLED")
    assert (await other.get("/mobile/summary"))["by_status"] == EMPTY | {"CANCELLED": 1}


async def test_without_a_write_nothing_is_counted_again(desk: Dispatcher, statements: list[str]) -> None:
    await desk.dispatch()
    first = await desk.get("/mobile/summary")
    statements.clear()
    assert await desk.get("/mobile/summary") == first
    assert not any("count(" in statement for statement in statements)


async def test_a_location_is_no_write_to_the_summary(desk: Dispatcher, statements: list[str]) -> None:
    await desk.dispatch()
    await desk.get("/mobile/summary")
    await desk.send("POST", "/mobile/location", 200, latitude=37.5665, longitude=126.978)
    statements.clear()
    await desk.get("/mobile/summary")
    assert not any("count(" in statement for statement in statements)


class Noon(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Noon:
        """Of a day in winter."""
        return cls(2026, 1, 15, 12, tzinfo=tz)


async def test_yesterdays_dispatches_are_not_of_today(
    desk: Dispatcher, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "datetime", Noon)
    midnight = datetime(2026, 1, 15, tzinfo=KOREA)
    for made in (midnight - timedelta(microseconds=1), midnight):
        key = (await desk.dispatch())["id"]
        async with context.database.transaction() as session:
            await session.execute(update(Dispatch).where(Dispatch.id == key).values(created_at=made))
    found = await desk.get("/mobile/summary")
    assert (found["by_status"]["ASSIGNED"], found["today"]["ASSIGNED"]) == (2, 1)
    assert found["day"] == "2026-01-15"
