"""Clients, vehicles, drivers and orders one by one: what is stored, changed, removed and refused."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.app.dispatch.conftest import ORDER, SECRET_ADDRESS, Dispatcher

pytestmark = pytest.mark.integration
ROWS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "clients": ({"name": "한빛식품", "phone": "+82 2 555 0100"}, {"name": "Ünï 😀", "phone": None}),
    "vehicles": (
        {"license_plate": "12가 3456", "description": "5 t"},
        {"license_plate": "34나 7890", "description": None},
    ),
    "drivers": (
        {"name": "김기사", "phone": "010-5550-0100", "user_id": None},
        {"name": "이기사", "phone": None, "user_id": None},
    ),
}


@pytest.mark.parametrize("kind", ROWS)
async def test_a_row_lives_from_its_making_to_its_removal(desk: Dispatcher, kind: str) -> None:
    made, changed = ROWS[kind]
    row = await desk.send("POST", f"/{kind}", 201, **made)
    path = f"/{kind}/{row['id']}"
    assert (await desk.get(path)) == row
    assert {name: row[name] for name in made} == made
    after = await desk.send("PUT", path, 200, **changed, version=row["version"])
    assert {name: after[name] for name in changed} == changed
    assert (after["version"], after["created_at"]) == (2, row["created_at"])
    assert after["updated_at"] > row["updated_at"]
    assert (await desk.get(path)) == after
    assert await desk.refused("PUT", path, "ERR_1504", **made, version=1) == {"version": 2}
    await desk.send("DELETE", path, 204)
    for method in ("GET", "DELETE"):
        await desk.refused(method, path, "ERR_1002")


async def test_an_order_is_changed_until_it_is_over(desk: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    path = f"/orders/{dispatch['order_id']}"
    order = await desk.get(path)
    wanted = ORDER | {"client_id": order["client_id"], "weight": "0.001", "cargo_type": "상온"}
    after = await desk.send("PUT", path, 200, **wanted, version=order["version"])
    assert (after["weight"], after["cargo_type"], after["status"]) == ("0.001", "ambient", "ASSIGNED")
    await desk.refused("PUT", path, "ERR_1504", **wanted, version=order["version"])
    await desk.move(dispatch["id"], "COMPLETED")
    version = (await desk.get(path))["version"]
    details = await desk.refused("PUT", path, "ERR_1003", **wanted, version=version)
    assert details == {"status": "COMPLETED"}


async def test_an_order_gets_no_client_of_somebody_else(desk: Dispatcher, other: Dispatcher) -> None:
    order = await desk.order()
    theirs = ORDER | {"client_id": (await other.client())["id"], "version": 1}
    await desk.refused("PUT", f"/orders/{order['id']}", "ERR_1001", **theirs)


async def test_a_new_search_finds_the_changed_address(desk: Dispatcher) -> None:
    order = await desk.order()
    wanted = ORDER | {"client_id": order["client_id"], "pickup_address": "제주시 한림읍", "version": 1}
    await desk.send("PUT", f"/orders/{order['id']}", 200, **wanted)
    assert len((await desk.get("/orders?q=한림읍"))["items"]) == 1
    assert (await desk.get("/orders?q=강남구"))["items"] == []


async def test_what_others_refer_to_is_not_removed(desk: Dispatcher) -> None:
    dispatch = await desk.dispatch()
    order = await desk.get(f"/orders/{dispatch['order_id']}")
    refused = {
        f"/orders/{dispatch['order_id']}": "Dispatches refer to the order; cancel it instead",
        f"/vehicles/{dispatch['vehicle_id']}": "Dispatches refer to the vehicle",
        f"/drivers/{dispatch['driver_id']}": "Dispatches refer to the driver",
        f"/clients/{order['client_id']}": "Orders refer to the client",
    }
    for path, message in refused.items():
        body = (await desk.http.delete(f"/api/v1{path}")).json()
        assert (body["error_code"], body["message"]) == ("ERR_1003", message)


async def test_an_order_that_was_never_dispatched_is_removed(desk: Dispatcher) -> None:
    order = await desk.order()
    await desk.send("DELETE", f"/orders/{order['id']}", 204)
    await desk.refused("GET", f"/orders/{order['id']}", "ERR_1002")


async def test_a_license_plate_is_ones_own_once(desk: Dispatcher, other: Dispatcher) -> None:
    await desk.vehicle(license_plate="12가 3456")
    second = await desk.vehicle()
    body = (await desk.http.post("/api/v1/vehicles", json={"license_plate": "12가 3456"})).json()
    text = "There is a vehicle with this license plate already"
    assert (body["error_code"], body["message"]) == ("ERR_1003", text)
    path = f"/vehicles/{second['id']}"
    await desk.refused("PUT", path, "ERR_1003", license_plate="12가 3456", version=1)
    await other.vehicle(license_plate="12가 3456")


BAD_ORDERS: list[tuple[str, object]] = [
    ("client_id", 0),
    ("client_id", 2**63),
    ("client_id", "1"),
    ("client_id", True),
    ("client_id", 1.5),
    ("pickup_address", ""),
    ("pickup_address", "  "),
    ("pickup_address", "nul\x00"),
    ("pickup_address", "a" * 501),
    ("delivery_address", None),
    ("cargo_type", "냉동차"),
    ("cargo_type", "FROZEN"),
    ("cargo_type", []),
    ("weight", 0),
    ("weight", -1),
    ("weight", "1e3"),
    ("weight", "NaN"),
    ("weight", "0.0001"),
    ("weight", 99.00049999999999),
    ("weight", 1_000_000),
    ("weight", True),
    ("weight", None),
    ("status", "COMPLETED"),
]


async def test_an_order_that_cannot_be_is_refused(desk: Dispatcher) -> None:
    for field, value in BAD_ORDERS:
        wanted = ORDER | {"client_id": 1, field: value}
        details = await desk.refused("POST", "/orders", "ERR_1001", **wanted)
        assert [problem["field"] for problem in details["problems"]] == [f"body.{field}"], value


@pytest.mark.parametrize(
    "text", ["😀 창고 👨‍👩‍👧‍👦", "'; DROP TABLE orders; --", "line\nline\ttab", "ａ" * 500, "%s {0} ${x}"]
)
async def test_any_address_comes_back_unchanged(desk: Dispatcher, text: str) -> None:
    order = await desk.order(pickup_address=text, delivery_address=text)
    assert (order["pickup_address"], order["delivery_address"]) == (text, text)


@pytest.mark.parametrize(
    ("sent", "stored"), [("냉동", "frozen"), ("냉장", "chilled"), ("상온", "ambient"), ("chilled", "chilled")]
)
async def test_cargo_is_understood_in_korean(desk: Dispatcher, sent: str, stored: str) -> None:
    assert (await desk.order(cargo_type=sent))["cargo_type"] == stored


@pytest.mark.parametrize(
    ("sent", "stored"), [(0.1, "0.100"), (100, "100.000"), ("999999.999", "999999.999"), ("7.5", "7.500")]
)
async def test_no_gram_is_lost(desk: Dispatcher, sent: object, stored: str) -> None:
    assert (await desk.order(weight=sent))["weight"] == stored


@pytest.mark.parametrize("kind", ["orders", "dispatches", "vehicles", "drivers", "clients"])
async def test_an_id_that_cannot_be_is_refused(desk: Dispatcher, kind: str) -> None:
    for key in ("0", "-1", "9223372036854775808", "x", "1.5", "1e3", "%00", "١٢x"):
        await desk.refused("GET", f"/{kind}/{key}", "ERR_1001")
    await desk.refused("GET", f"/{kind}/{2**63 - 1}", "ERR_1002")


async def test_a_version_that_cannot_be_is_refused(desk: Dispatcher) -> None:
    vehicle = await desk.vehicle()
    for version in (0, -1, 2**31, "1", True, None, 1.5):
        body = {"license_plate": vehicle["license_plate"], "version": version}
        await desk.refused("PUT", f"/vehicles/{vehicle['id']}", "ERR_1001", **body)


async def test_a_telephone_number_that_is_none_is_refused(desk: Dispatcher) -> None:
    for phone in ("", "x", "1", "+", "010-1234-5678 '; --", "1" * 31, "０１０-1234", 10):
        await desk.refused("POST", "/clients", "ERR_1001", name="x", phone=phone)


@pytest.mark.parametrize("path", ["/orders", "/dispatches", "/mobile/dispatches", "/mobile/summary"])
async def test_nobody_sees_nothing(anonymous: httpx.AsyncClient, path: str) -> None:
    assert (await anonymous.get(f"/api/v1{path}")).json()["error_code"] == "ERR_1100"


async def test_no_address_reaches_the_log(desk: Dispatcher, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "app")
    order = await desk.order(pickup_address=SECRET_ADDRESS, delivery_address=SECRET_ADDRESS)
    await desk.refused("POST", "/orders", "ERR_1001", **ORDER | {"pickup_address": SECRET_ADDRESS, "x": 1})
    await desk.http.get("/api/v1/orders", params={"q": SECRET_ADDRESS})
    await desk.http.delete(f"/api/v1/clients/{order['client_id']}")
    said = "".join(str(record.msg) for record in caplog.records if record.name.startswith("app"))
    assert said.count("/api/v1/orders") >= 3
    for part in SECRET_ADDRESS.split():
        assert part not in said
        assert quote(part) not in said
