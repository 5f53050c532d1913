"""An account sees which drivers are linked to it, and ends a link that it does not want."""

from __future__ import annotations

import httpx
import pytest

from tests.app.dispatch.conftest import Dispatcher
from tests.app.dispatch.test_access import account_of

pytestmark = pytest.mark.integration


async def test_an_account_sees_who_has_linked_it(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    assert (await other.get("/mobile/links"))["items"] == []
    await desk.driver()
    driver = await desk.driver(name="박기사", phone="+82 10 5550 0100", user_id=await account_of(bob))
    await other.driver()
    (link,) = (await other.get("/mobile/links"))["items"]
    assert link == {name: driver[name] for name in ("id", "name", "phone", "created_at")}
    assert (await desk.get("/mobile/links"))["items"] == []


async def test_an_ended_link_ends_the_sight_and_the_reports(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    driver = await desk.driver(user_id=await account_of(bob))
    dispatch = await desk.dispatch(driver_id=driver["id"])
    assert (await other.get("/mobile/summary"))["total"] == 1
    await other.send("DELETE", f"/mobile/links/{driver['id']}", 204)
    assert (await other.get("/mobile/links"))["items"] == []
    assert (await other.get("/mobile/summary"))["total"] == 0
    await other.refused("PUT", f"/mobile/dispatches/{dispatch['id']}/status", "ERR_1002", status="ACCEPTED")
    place = {"latitude": 37.5665, "longitude": 126.978, "driver_id": driver["id"]}
    await other.refused("POST", "/mobile/location", "ERR_1001", **place)
    found = await desk.get(f"/drivers/{driver['id']}")
    assert (found["user_id"], found["version"]) == (None, driver["version"] + 1)
    assert (await desk.get(f"/dispatches/{dispatch['id']}"))["status"] == "ASSIGNED"
    await other.refused("DELETE", f"/mobile/links/{driver['id']}", "ERR_1002")


async def test_a_link_is_ended_by_the_linked_account_alone(
    desk: Dispatcher, other: Dispatcher, bob: httpx.AsyncClient
) -> None:
    driver = await desk.driver(user_id=await account_of(bob))
    await desk.refused("DELETE", f"/mobile/links/{driver['id']}", "ERR_1002")
    assert [link["id"] for link in (await other.get("/mobile/links"))["items"]] == [driver["id"]]
