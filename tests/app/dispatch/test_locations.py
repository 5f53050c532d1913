"""Where drivers are: stored once, seen by their dispatcher, forgotten after thirty days."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import func, select

from app.core.context import Context
from app.dispatch import locations
from app.dispatch.fields import RETENTION
from app.dispatch.models import DriverLocation
from tests.app.conftest import ClientFor
from tests.app.dispatch.conftest import Dispatcher
from tests.app.dispatch.test_access import account_of

pytestmark = pytest.mark.integration
SEOUL = {"latitude": 37.5665, "longitude": 126.978}
PATH = "/mobile/location"
NO_DRIVER = "the account has no driver that is its own or on a dispatch"


def ago(**time: float) -> str:
    """A moment in the past, as a telephone sends it."""
    return (datetime.now(UTC) - timedelta(**time)).isoformat()


async def test_the_latest_place_is_the_one_recorded_last(desk: Dispatcher) -> None:
    driver = (await desk.driver())["id"]
    await desk.refused("GET", f"/drivers/{driver}/location", "ERR_1002")
    later, earlier = ago(minutes=1), ago(minutes=5)
    await desk.send("POST", PATH, 200, **SEOUL, recorded_at=later)
    await desk.send("POST", PATH, 200, latitude=35.1, longitude=129.0, recorded_at=earlier)
    found = await desk.get(f"/drivers/{driver}/location")
    assert {name: found[name] for name in SEOUL} == SEOUL
    history = await desk.get(f"/drivers/{driver}/locations")
    assert [place["latitude"] for place in history] == [37.5665, 35.1]
    assert await desk.get(f"/drivers/{driver}/locations?page_size=1") == history[:1]
    before = history[0]["recorded_at"]
    assert await desk.get(f"/drivers/{driver}/locations?before={before}") == history[1:]


async def test_a_report_without_a_time_is_of_now(desk: Dispatcher) -> None:
    driver = (await desk.driver())["id"]
    begun = datetime.now(UTC)
    sent = await desk.send("POST", PATH, 200, **SEOUL)
    assert begun <= datetime.fromisoformat(sent["recorded_at"]) <= datetime.now(UTC)
    assert await desk.get(f"/drivers/{driver}/location") == sent


async def test_a_report_sent_twice_is_stored_once(desk: Dispatcher) -> None:
    driver = (await desk.driver())["id"]
    moment = ago(seconds=1)
    once = await desk.send("POST", PATH, 200, **SEOUL, recorded_at=moment)
    assert await desk.send("POST", PATH, 200, **SEOUL, recorded_at=moment) == once
    assert await desk.get(f"/drivers/{driver}/locations") == [once]


async def test_an_account_with_several_drivers_names_the_one(desk: Dispatcher, other: Dispatcher) -> None:
    details = await desk.refused("POST", PATH, "ERR_1001", **SEOUL)
    assert details["problems"] == [{"field": "body.driver_id", "problem": NO_DRIVER}]
    first, second = await desk.driver(), await desk.driver()
    details = await desk.refused("POST", PATH, "ERR_1001", **SEOUL)
    assert details["problems"][0]["problem"] == "is needed: the account has several drivers"
    await desk.send("POST", PATH, 200, **SEOUL, driver_id=second["id"])
    await desk.get(f"/drivers/{first['id']}/location", 404)
    assert (await desk.get(f"/drivers/{second['id']}/location"))["driver_id"] == second["id"]
    details = await other.refused("POST", PATH, "ERR_1001", **SEOUL, driver_id=first["id"])
    assert details["problems"][0]["problem"] == "is no driver of this user"


async def test_a_drivers_account_reports_to_its_dispatcher(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    driver = await desk.driver(user_id=await account_of(bob))
    dispatch = await desk.dispatch(driver_id=driver["id"])
    await other.send("POST", PATH, 200, **SEOUL)
    assert (await desk.get(f"/drivers/{driver['id']}/location"))["latitude"] == SEOUL["latitude"]
    await desk.move(dispatch["id"], "COMPLETED")
    details = await other.refused("POST", PATH, "ERR_1001", **SEOUL)
    assert details["problems"] == [{"field": "body.driver_id", "problem": NO_DRIVER}]
    await other.send("POST", PATH, 200, **SEOUL, driver_id=driver["id"])


async def test_whoever_links_an_account_does_not_get_its_own_drivers_place(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    linked = await desk.driver(user_id=await account_of(bob))
    await desk.dispatch(driver_id=linked["id"])
    own = await other.driver()
    assert (await other.send("POST", PATH, 200, **SEOUL))["driver_id"] == own["id"]
    await desk.refused("GET", f"/drivers/{linked['id']}/location", "ERR_1002")
    await other.driver()
    details = await other.refused("POST", PATH, "ERR_1001", **SEOUL)
    assert details["problems"][0]["problem"] == "is needed: the account has several drivers"
    myself = await other.driver(user_id=await account_of(bob))
    assert (await other.send("POST", PATH, 200, **SEOUL))["driver_id"] == myself["id"]


async def test_of_two_dispatchers_the_place_goes_to_the_one_whose_dispatch_is_driven(
    desk: Dispatcher, other: Dispatcher, client_for: ClientFor
) -> None:
    carol = Dispatcher(client_for("carol"))
    account = await account_of(carol.http)
    first, second = await desk.driver(user_id=account), await other.driver(user_id=account)
    await carol.refused("POST", PATH, "ERR_1001", **SEOUL)
    await other.dispatch(driver_id=second["id"])
    assert (await carol.send("POST", PATH, 200, **SEOUL))["driver_id"] == second["id"]
    await desk.dispatch(driver_id=first["id"])
    details = await carol.refused("POST", PATH, "ERR_1001", **SEOUL)
    assert details["problems"][0]["problem"] == "is needed: the account has several drivers"


BAD_PLACES: list[tuple[str, object]] = [
    ("latitude", 90.1),
    ("latitude", -90.1),
    ("latitude", "37"),
    ("latitude", True),
    ("latitude", None),
    ("longitude", 180.1),
    ("longitude", -181),
    ("recorded_at", "2026-01-01T00:00:00"),
    ("recorded_at", 1767225600),
    ("recorded_at", "1767225600"),
    ("recorded_at", "0001-01-01T00:00:00+14:00"),
    ("recorded_at", "9999-12-31T23:59:59-14:00"),
    ("recorded_at", "tomorrow"),
    ("driver_id", 0),
    ("driver_id", 2**63),
    ("driver_id", "1"),
    ("speed", 1),
]


async def test_a_place_that_cannot_be_is_refused(desk: Dispatcher) -> None:
    for field, value in BAD_PLACES:
        details = await desk.refused("POST", PATH, "ERR_1001", **SEOUL | {field: value})
        assert [problem["field"] for problem in details["problems"]] == [f"body.{field}"], value


@pytest.mark.parametrize("time", [{"minutes": -2}, {"days": 31}])
async def test_a_report_of_the_future_or_of_long_ago_is_refused(
    desk: Dispatcher, time: dict[str, float]
) -> None:
    await desk.driver()
    details = await desk.refused("POST", PATH, "ERR_1001", **SEOUL, recorded_at=ago(**time))
    problem = "must be within the last 30 days and not in the future"
    assert details["problems"] == [{"field": "body.recorded_at", "problem": problem}]


async def test_a_clock_that_is_a_little_ahead_is_believed(desk: Dispatcher) -> None:
    await desk.driver()
    await desk.send("POST", PATH, 200, **SEOUL, recorded_at=ago(seconds=-30))


async def test_old_places_are_forgotten(
    desk: Dispatcher, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locations, "FORGET_AT_ONCE", 2)
    driver = (await desk.driver())["id"]
    now = datetime.now(UTC)
    async with context.database.transaction() as session:
        session.add_all(
            DriverLocation(driver_id=driver, recorded_at=now - age, latitude=1, longitude=1)
            for age in (timedelta(), RETENTION - timedelta(minutes=1), *(RETENTION * n for n in range(1, 6)))
        )
    for _ in range(2):
        await locations.forget(context)
        async with context.database.transaction() as session:
            kept = select(func.count()).where(DriverLocation.driver_id == driver)
            assert await session.scalar(kept) == 2
