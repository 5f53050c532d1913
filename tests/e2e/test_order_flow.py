"""From an account to a delivered order, through the API of the running sandbox."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.live
API = "/api/v1"


def made(client: httpx.Client, path: str, **body: Any) -> dict[str, Any]:
    """What was created."""
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


@contextmanager
def logged_in(admin: httpx.Client, who: str) -> Iterator[tuple[httpx.Client, str]]:
    """A client with the token of a new account's login, and the account's id."""
    email, password = f"{who}-{secrets.token_hex(6)}@example.org", secrets.token_urlsafe(24)
    made(admin, "/auth/users", email=email, password=password)
    login = admin.post(f"{API}/auth/login", data={"username": email, "password": password})
    assert login.status_code == 200, login.text
    headers = {"Authorization": f"Bearer {login.json()['access_token']}"}
    with httpx.Client(base_url=admin.base_url, headers=headers, timeout=30) as client:
        me = client.get("/auth/me")
        assert me.status_code == 200, me.text
        assert (me.json()["email"], me.json()["role"]) == (email, "user")
        yield client, me.json()["id"]


def ordered(dispatcher: httpx.Client, account: str) -> tuple[int, int]:
    """The ids of a new order and of its dispatch to the driver with this account."""
    client = made(dispatcher, f"{API}/clients", name="한빛식품")["id"]
    vehicle = made(dispatcher, f"{API}/vehicles", license_plate="12가 3456")["id"]
    driver = made(dispatcher, f"{API}/drivers", name="김기사", user_id=account)["id"]
    order = made(
        dispatcher,
        f"{API}/orders",
        client_id=client,
        pickup_address="서울시 강남구",
        delivery_address="부산시 해운대구",
        cargo_type="냉동",
        weight=100.0,
    )
    assert order["status"] == "PENDING"
    trip = {"order_id": order["id"], "vehicle_id": vehicle, "driver_id": driver}
    return order["id"], made(dispatcher, f"{API}/dispatches", **trip)["id"]


def test_an_order_is_completed_by_the_driver_who_accepts_and_delivers_it(api: httpx.Client) -> None:
    with logged_in(api, "dispatcher") as (dispatcher, _), logged_in(api, "driver") as (driver, account):
        order, dispatch = ordered(dispatcher, account)
        waiting = driver.get(f"{API}/mobile/dispatches").json()["items"]
        assert [trip["id"] for trip in waiting] == [dispatch]
        seen = []
        for status in ("ACCEPTED", "PICKED_UP", "IN_TRANSIT", "COMPLETED"):
            path = f"{API}/mobile/dispatches/{dispatch}/status"
            moved = driver.put(path, json={"status": status})
            assert moved.status_code == 200, moved.text
            seen.append((status, dispatcher.get(f"{API}/orders/{order}").json()["status"]))
        assert seen == [
            ("ACCEPTED", "ASSIGNED"),
            ("PICKED_UP", "IN_TRANSIT"),
            ("IN_TRANSIT", "IN_TRANSIT"),
            ("COMPLETED", "COMPLETED"),
        ]
        history = dispatcher.get(f"{API}/dispatches/{dispatch}").json()["history"]
        assert [step["status"] for step in history] == [
            "ASSIGNED",
            "ACCEPTED",
            "PICKED_UP",
            "IN_TRANSIT",
            "COMPLETED",
        ]


def test_another_account_sees_neither_the_order_nor_the_dispatch(api: httpx.Client) -> None:
    with (
        logged_in(api, "dispatcher") as (dispatcher, _),
        logged_in(api, "driver") as (_, account),
        logged_in(api, "stranger") as (stranger, _),
    ):
        order, dispatch = ordered(dispatcher, account)
        refused = {
            stranger.get(f"{API}/orders/{order}").status_code,
            stranger.get(f"{API}/dispatches/{dispatch}").status_code,
            stranger.put(f"{API}/dispatches/{dispatch}/status", json={"status": "CANCELLED"}).status_code,
        }
        assert refused == {404}
