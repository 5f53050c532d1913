"""Who sees and moves what: the dispatcher the own rows, a driver's account the dispatches of its driver."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest
from sqlalchemy import delete, select

from app.core.auth.users import User
from app.core.context import Context
from app.dispatch.models import Order
from tests.app.conftest import ClientFor
from tests.app.dispatch.conftest import ORDER, Dispatcher

pytestmark = pytest.mark.integration


async def account_of(http: httpx.AsyncClient) -> str:
    """The account's id, which a driver tells the dispatcher."""
    return str((await http.get("/auth/me")).json()["id"])


@pytest.fixture
async def linked(desk: Dispatcher, bob: httpx.AsyncClient) -> dict[str, Any]:
    """A dispatch of alice's, with a driver whose account is bob's."""
    driver = await desk.driver(user_id=await account_of(bob))
    return await desk.dispatch(driver_id=driver["id"])


async def test_another_users_rows_do_not_exist(desk: Dispatcher, other: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    paths = {
        f"/{kind}s/{dispatch[f'{kind}_id']}": "GET DELETE" for kind in ("order", "vehicle", "driver")
    } | {
        f"/dispatches/{dispatch['id']}": "GET",
        f"/clients/{(await desk.client())['id']}": "GET DELETE",
        f"/drivers/{dispatch['driver_id']}/location": "GET",
        f"/drivers/{dispatch['driver_id']}/locations": "GET",
        f"/orders/{dispatch['order_id']}/cancel": "POST",
    }
    for path, methods in paths.items():
        for method in methods.split():
            await other.refused(method, path, "ERR_1002")
    for path in (f"/dispatches/{dispatch['id']}/status", f"/mobile/dispatches/{dispatch['id']}/status"):
        await other.refused("PUT", path, "ERR_1002", status="COMPLETED")


async def test_another_users_rows_are_not_changed(desk: Dispatcher, other: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    changes: dict[str, dict[str, object]] = {
        "vehicle": {"license_plate": "99허 9999"},
        "driver": {"name": "x"},
        "order": ORDER | {"client_id": 1},
    }
    for kind, fields in changes.items():
        await other.refused("PUT", f"/{kind}s/{dispatch[f'{kind}_id']}", "ERR_1002", **fields, version=1)
    client = await desk.client()
    await other.refused("PUT", f"/clients/{client['id']}", "ERR_1002", name="x", version=1)


async def test_another_users_rows_are_no_references(desk: Dispatcher, other: Dispatcher) -> None:
    parts = await desk.parts()
    details = await other.refused("POST", "/dispatches", "ERR_1001", **parts)
    assert [problem["problem"] for problem in details["problems"]] == [
        "is no order of this user",
        "is no vehicle of this user",
        "is no driver of this user",
    ]
    client = (await desk.client())["id"]
    details = await other.refused("POST", "/orders", "ERR_1001", **ORDER, client_id=client)
    assert details["problems"] == [{"field": "body.client_id", "problem": "is no client of this user"}]


async def test_another_users_lists_are_empty(desk: Dispatcher, other: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    for kind in ("orders", "dispatches", "vehicles", "drivers", "clients", "mobile/dispatches"):
        assert (await other.get(f"/{kind}"))["items"] == []
    assert (await other.get(f"/dispatches?driver_id={dispatch['driver_id']}"))["items"] == []
    assert (await other.get("/mobile/summary"))["total"] == 0


async def test_a_drivers_account_sees_and_moves_its_dispatches(
    linked: dict[str, Any], desk: Dispatcher, other: Dispatcher
) -> None:
    own = await other.dispatch()
    await desk.dispatch()  # of another driver
    items = (await other.get("/mobile/dispatches"))["items"]
    assert [item["id"] for item in items] == [own["id"], linked["id"]]
    assert items[1]["order"]["delivery_address"] == ORDER["delivery_address"]
    for status in ("ACCEPTED", "PICKED_UP", "IN_TRANSIT", "COMPLETED"):
        path = f"/mobile/dispatches/{linked['id']}/status"
        assert (await other.send("PUT", path, 200, status=status))["status"] == status
    found = await desk.get(f"/dispatches/{linked['id']}")
    assert found["order"]["status"] == "COMPLETED"
    assert len({step["user_id"] for step in found["history"]}) == 2


async def test_a_drivers_account_has_the_mobile_routes_only(
    linked: dict[str, Any], other: Dispatcher
) -> None:
    assert (await other.get("/dispatches"))["items"] == []
    await other.refused("GET", f"/dispatches/{linked['id']}", "ERR_1002")
    await other.refused("PUT", f"/dispatches/{linked['id']}/status", "ERR_1002", status="ACCEPTED")
    await other.refused("GET", f"/orders/{linked['order_id']}", "ERR_1002")
    await other.refused("GET", f"/drivers/{linked['driver_id']}", "ERR_1002")


async def test_a_driver_rejects_but_does_not_cancel(linked: dict[str, Any], other: Dispatcher) -> None:
    path = f"/mobile/dispatches/{linked['id']}/status"
    details = await other.refused("PUT", path, "ERR_1503", status="CANCELLED")
    assert details == {"status": "ASSIGNED", "allowed": ["ACCEPTED", "REJECTED", "COMPLETED"]}
    assert (await other.send("PUT", path, 200, status="REJECTED"))["order"]["status"] == "PENDING"


async def test_a_link_that_ends_ends_the_sight(
    linked: dict[str, Any], desk: Dispatcher, other: Dispatcher
) -> None:
    assert (await other.get("/mobile/summary"))["total"] == 1
    await desk.send("PUT", f"/drivers/{linked['driver_id']}", 200, name="김기사", version=1)
    assert (await other.get("/mobile/summary"))["total"] == 0
    assert (await other.get("/mobile/dispatches"))["items"] == []
    await other.refused("PUT", f"/mobile/dispatches/{linked['id']}/status", "ERR_1002", status="ACCEPTED")


async def test_an_account_that_is_none_is_not_linked(desk: Dispatcher) -> None:
    details = await desk.refused("POST", "/drivers", "ERR_1001", name="x", user_id=str(uuid.uuid4()))
    assert details["problems"] == [{"field": "body.user_id", "problem": "is no account"}]


async def test_one_account_is_one_driver_of_each_dispatcher(
    desk: Dispatcher, other: Dispatcher, client_for: ClientFor
) -> None:
    account = await account_of(client_for("carol"))
    await desk.driver(user_id=account)
    await other.driver(user_id=account)
    await desk.refused("POST", "/drivers", "ERR_1003", name="x", user_id=account)


async def test_a_removed_user_takes_everything_along(
    linked: dict[str, Any], desk: Dispatcher, other: Dispatcher, context: Context
) -> None:
    await other.send("POST", "/mobile/location", 200, latitude=37.5, longitude=127.0)
    async with context.database.transaction() as session:
        owner = await session.scalar(select(Order.owner_id).where(Order.id == linked["order_id"]))
        await session.execute(delete(User).where(User.id == owner))
    assert (await other.get("/mobile/dispatches"))["items"] == []
    assert (await desk.get("/orders"))["items"] == []


async def test_a_removed_driver_account_leaves_the_dispatch(
    linked: dict[str, Any], desk: Dispatcher, other: Dispatcher, context: Context
) -> None:
    await other.send("PUT", f"/mobile/dispatches/{linked['id']}/status", 200, status="ACCEPTED")
    driver = await desk.get(f"/drivers/{linked['driver_id']}")
    async with context.database.transaction() as session:
        await session.execute(delete(User).where(User.id == uuid.UUID(driver["user_id"])))
    assert (await desk.get(f"/drivers/{linked['driver_id']}"))["user_id"] is None
    history = (await desk.get(f"/dispatches/{linked['id']}"))["history"]
    assert [step["status"] for step in history if step["user_id"] is None] == ["ACCEPTED"]
