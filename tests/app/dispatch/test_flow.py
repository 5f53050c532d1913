"""From the order to its completion, and every pair of statuses."""

from __future__ import annotations

import pytest

from app.dispatch.statuses import STAGES, DispatchStatus, OrderStatus, allowed_after
from tests.app.dispatch.conftest import ORDER, Dispatcher

pytestmark = pytest.mark.integration
WAY = {  # one way to each status
    "ASSIGNED": (),
    "ACCEPTED": ("ACCEPTED",),
    "PICKED_UP": ("ACCEPTED", "PICKED_UP"),
    "IN_TRANSIT": ("ACCEPTED", "PICKED_UP", "IN_TRANSIT"),
    "COMPLETED": ("COMPLETED",),
    "REJECTED": ("REJECTED",),
    "CANCELLED": ("CANCELLED",),
}
# Written out a second time, so that a change of the application's table is noticed.
ALLOWED = {
    "ASSIGNED": ["ACCEPTED", "REJECTED", "COMPLETED", "CANCELLED"],
    "ACCEPTED": ["PICKED_UP", "IN_TRANSIT", "COMPLETED", "CANCELLED"],
    "PICKED_UP": ["IN_TRANSIT", "COMPLETED", "CANCELLED"],
    "IN_TRANSIT": ["COMPLETED", "CANCELLED"],
    "COMPLETED": [],
    "REJECTED": [],
    "CANCELLED": [],
}
ORDERS = {
    "ASSIGNED": "ASSIGNED",
    "ACCEPTED": "ASSIGNED",
    "PICKED_UP": "IN_TRANSIT",
    "IN_TRANSIT": "IN_TRANSIT",
    "COMPLETED": "COMPLETED",
    "REJECTED": "PENDING",
    "CANCELLED": "PENDING",
}


async def test_an_order_is_dispatched_and_completed_at_once(desk: Dispatcher) -> None:
    client = await desk.client()
    order = await desk.send(
        "POST", "/orders", 201, **ORDER | {"client_id": client["id"], "cargo_type": "냉동"}
    )
    assert (order["status"], order["cargo_type"], order["weight"]) == ("PENDING", "frozen", "100.000")
    parts = await desk.parts(order_id=order["id"])
    dispatch = await desk.send("POST", "/dispatches", 201, **parts)
    await desk.send("PUT", f"/mobile/dispatches/{dispatch['id']}/status", 200, status="COMPLETED")
    assert (await desk.get(f"/orders/{order['id']}"))["status"] == "COMPLETED"


async def test_a_driver_accepts_and_completes(desk: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    for status in ("ACCEPTED", "COMPLETED"):
        await desk.send("PUT", f"/mobile/dispatches/{dispatch['id']}/status", 200, status=status)
    assert (await desk.get(f"/orders/{dispatch['order_id']}"))["status"] == "COMPLETED"


@pytest.mark.unit
def test_every_status_stands_in_the_table() -> None:
    assert set(STAGES) == set(DispatchStatus)
    assert {stage.order for stage in STAGES.values()} == set(OrderStatus) - {OrderStatus.CANCELLED}
    found = {status: [*allowed_after(status, driver=False)] for status in DispatchStatus}
    assert found == ALLOWED


@pytest.mark.parametrize("before", list(DispatchStatus))
async def test_a_status_is_followed_by_the_allowed_ones_only(desk: Dispatcher, before: str) -> None:
    for after in DispatchStatus:
        dispatch = await desk.dispatch()
        await desk.move(dispatch["id"], *WAY[before])
        path = f"/dispatches/{dispatch['id']}/status"
        if after in ALLOWED[before] or after == before:
            assert (await desk.send("PUT", path, 200, status=after))["order"]["status"] == ORDERS[after]
        else:
            details = await desk.refused("PUT", path, "ERR_1503", status=after)
            assert details == {"status": before, "allowed": ALLOWED[before]}
        now = (await desk.get(f"/dispatches/{dispatch['id']}"))["order"]["status"]
        assert now == ORDERS[after if after in ALLOWED[before] else before]


async def test_each_step_is_noted_with_its_time_and_account(desk: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    await desk.move(dispatch["id"], "ACCEPTED", "PICKED_UP", "COMPLETED")
    found = await desk.get(f"/dispatches/{dispatch['id']}")
    assert [step["status"] for step in found["history"]] == ["ASSIGNED", "ACCEPTED", "PICKED_UP", "COMPLETED"]
    times = [step["at"] for step in found["history"]]
    assert times == sorted(times)
    assert len({step["user_id"] for step in found["history"]} - {None}) == 1
    assert found["status_at"] == times[-1]


async def test_the_present_status_again_changes_nothing(desk: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    once = await desk.move(dispatch["id"], "ACCEPTED")
    again = await desk.send("PUT", f"/dispatches/{dispatch['id']}/status", 200, status="ACCEPTED", version=1)
    assert again == once
    assert len((await desk.get(f"/dispatches/{dispatch['id']}"))["history"]) == 2


async def test_a_rejected_order_can_be_dispatched_again(desk: Dispatcher) -> None:
    first = await desk.dispatch()
    await desk.move(first["id"], "REJECTED")
    same = {name: first[name] for name in ("order_id", "vehicle_id", "driver_id")}
    second = await desk.dispatch(**same)
    assert second["id"] != first["id"]
    assert second["order"]["status"] == "ASSIGNED"


@pytest.mark.parametrize("shared", ["order", "vehicle", "driver"])
async def test_what_is_on_its_way_is_on_one_dispatch_only(desk: Dispatcher, shared: str) -> None:
    first = await desk.dispatch()
    parts = await desk.parts(**{f"{shared}_id": first[f"{shared}_id"]})
    details = await desk.refused("POST", "/dispatches", "ERR_1505", **parts)
    assert details == {"resource": shared}


@pytest.mark.parametrize("status", ["COMPLETED", "CANCELLED"])
async def test_an_order_that_is_over_is_not_dispatched(desk: Dispatcher, status: str) -> None:
    if status == "COMPLETED":
        dispatch = await desk.dispatch()
        await desk.move(dispatch["id"], "COMPLETED")
        key = dispatch["order_id"]
    else:
        key = (await desk.order())["id"]
        await desk.send("POST", f"/orders/{key}/cancel", 200)
    details = await desk.refused("POST", "/dispatches", "ERR_1503", **await desk.parts(order_id=key))
    assert details == {"status": status, "allowed": []}


async def test_references_to_nothing_are_all_named(desk: Dispatcher) -> None:
    details = await desk.refused(
        "POST", "/dispatches", "ERR_1001", order_id=2**62, vehicle_id=2**62, driver_id=2**62
    )
    assert [problem["field"] for problem in details["problems"]] == [
        "body.order_id",
        "body.vehicle_id",
        "body.driver_id",
    ]


async def test_an_order_is_cancelled_while_it_waits(desk: Dispatcher) -> None:
    order = await desk.order()
    path = f"/orders/{order['id']}/cancel"
    assert (await desk.refused("POST", path, "ERR_1504", version=7)) == {"version": 1}
    cancelled = await desk.send("POST", path, 200, version=1)
    assert (cancelled["status"], cancelled["version"]) == ("CANCELLED", 2)
    assert await desk.send("POST", path, 200, version=1) == cancelled


async def test_an_order_on_its_way_is_not_cancelled(desk: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    details = await desk.refused("POST", f"/orders/{dispatch['order_id']}/cancel", "ERR_1503")
    assert details == {"status": "ASSIGNED", "allowed": []}
    await desk.move(dispatch["id"], "CANCELLED")
    cancelled = await desk.send("POST", f"/orders/{dispatch['order_id']}/cancel", 200)
    assert cancelled["status"] == "CANCELLED"
