"""What a write refers to stays until its commit: the removal waits, and is told who refers to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.core.context import Context
from app.dispatch.repository import DispatchRepository
from tests.app.dispatch.conftest import ORDER, Dispatcher
from tests.app.test_account_deletion import WAITING

pytestmark = pytest.mark.integration
PLACE = {"latitude": 37.5665, "longitude": 126.978}
Removals = list[asyncio.Task[httpx.Response]]
Remove = Callable[[str, str], Removals]


@pytest.fixture
def remove(context: Context, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Remove:
    """``remove(path, step)``: asks for the removal just before that step of the repository, and goes on when
    it is done or waits."""

    def install(path: str, step: str) -> Removals:
        go_on, removals = getattr(DispatchRepository, step), Removals()

        async def meanwhile(*arguments: Any, **named: Any) -> Any:
            if not removals:
                removals.append(asyncio.create_task(alice.delete(f"/api/v1{path}")))
                async with context.database.reading() as session, asyncio.timeout(30):
                    while not (removals[0].done() or await session.scalar(text(WAITING))):
                        await asyncio.sleep(0.01)
            return await go_on(*arguments, **named)

        monkeypatch.setattr(DispatchRepository, step, meanwhile)
        return removals

    return install


async def told(removals: Removals) -> tuple[int, str]:
    """The removal's status and error code."""
    answer = await removals[0]
    return answer.status_code, answer.json()["error_code"] if answer.content else ""


async def test_a_client_stays_for_an_order_that_is_taken_in(desk: Dispatcher, remove: Remove) -> None:
    client = await desk.client()
    removals = remove(f"/clients/{client['id']}", "add")
    await desk.order(client_id=client["id"])
    assert await told(removals) == (409, "ERR_1003")


async def test_a_client_stays_for_an_order_that_is_changed(desk: Dispatcher, remove: Remove) -> None:
    order, client = await desk.order(), await desk.client()
    removals = remove(f"/clients/{client['id']}", "flush")
    await desk.send("PUT", f"/orders/{order['id']}", 200, **ORDER, client_id=client["id"], version=1)
    assert await told(removals) == (409, "ERR_1003")


async def test_an_orders_client_is_not_removed_while_the_order_is_changed(
    desk: Dispatcher, remove: Remove
) -> None:
    order = await desk.order()
    removals = remove(f"/clients/{order['client_id']}", "flush")
    changed = ORDER | {"weight": "7"}
    await desk.send("PUT", f"/orders/{order['id']}", 200, **changed, client_id=order["client_id"], version=1)
    assert await told(removals) == (409, "ERR_1003")


async def test_a_vehicle_stays_for_a_dispatch_that_is_made(desk: Dispatcher, remove: Remove) -> None:
    parts = await desk.parts()
    removals = remove(f"/vehicles/{parts['vehicle_id']}", "add")
    await desk.send("POST", "/dispatches", 201, **parts)
    assert await told(removals) == (409, "ERR_1003")


async def test_a_driver_is_not_removed_while_a_dispatch_moves(desk: Dispatcher, remove: Remove) -> None:
    dispatch = await desk.dispatch()
    removals = remove(f"/drivers/{dispatch['driver_id']}", "take_step")
    await desk.move(dispatch["id"], "ACCEPTED")
    assert await told(removals) == (409, "ERR_1003")


@pytest.mark.parametrize("named", [True, False])
async def test_a_driver_stays_until_the_place_is_stored(
    desk: Dispatcher, remove: Remove, named: bool
) -> None:
    driver = (await desk.driver())["id"]
    removals = remove(f"/drivers/{driver}", "locate")
    await desk.send("POST", "/mobile/location", 200, **PLACE | ({"driver_id": driver} if named else {}))
    assert await told(removals) == (204, "")


async def test_a_reference_that_is_gone_is_told_as_one_that_never_was(desk: Dispatcher) -> None:
    client = await desk.client()
    await desk.send("DELETE", f"/clients/{client['id']}", 204)
    details = await desk.refused("POST", "/orders", "ERR_1001", **ORDER, client_id=client["id"])
    assert details["problems"] == [{"field": "body.client_id", "problem": "is no client of this user"}]
