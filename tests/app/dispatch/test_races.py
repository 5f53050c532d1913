"""Real requests at the same time: one wins, the others are told, and nothing is half done."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx
import pytest

from tests.app.dispatch.conftest import Dispatcher

pytestmark = pytest.mark.integration
AT_ONCE = 8


def outcomes(answers: list[httpx.Response]) -> Counter[str]:
    """How often each status, with the error code of a refusal."""
    return Counter(
        str(answer.status_code) if answer.is_success else answer.json()["error_code"] for answer in answers
    )


@pytest.mark.parametrize("shared", ["order", "vehicle", "driver"])
async def test_of_many_dispatchers_at_once_one_wins(
    desk: Dispatcher, alice: httpx.AsyncClient, shared: str
) -> None:
    first = await desk.parts()
    wanted = [await desk.parts(**{f"{shared}_id": first[f"{shared}_id"]}) for _ in range(AT_ONCE)]
    answers = await asyncio.gather(*(alice.post("/api/v1/dispatches", json=parts) for parts in wanted))
    assert outcomes(answers) == {"201": 1, "ERR_1505": AT_ONCE - 1}
    refused = [answer.json()["details"] for answer in answers if not answer.is_success]
    assert refused == [{"resource": shared}] * (AT_ONCE - 1)
    assert len((await desk.get("/dispatches"))["items"]) == 1
    waiting = (await desk.get("/orders?status=PENDING"))["items"]
    assert len(waiting) == (0 if shared == "order" else AT_ONCE)


async def test_the_same_dispatch_asked_for_twice_is_made_once(
    desk: Dispatcher, alice: httpx.AsyncClient
) -> None:
    parts = await desk.parts()
    answers = await asyncio.gather(*(alice.post("/api/v1/dispatches", json=parts) for _ in range(AT_ONCE)))
    assert outcomes(answers) == {"201": 1, "ERR_1505": AT_ONCE - 1}


async def test_of_two_last_statuses_at_once_one_wins(desk: Dispatcher, alice: httpx.AsyncClient) -> None:
    for _ in range(5):
        dispatch = await desk.dispatch()
        path = f"/api/v1/dispatches/{dispatch['id']}/status"
        answers = await asyncio.gather(
            *(alice.put(path, json={"status": status}) for status in ("COMPLETED", "CANCELLED"))
        )
        assert outcomes(answers) == {"200": 1, "ERR_1503": 1}
        found = await desk.get(f"/dispatches/{dispatch['id']}")
        expected = {"COMPLETED": "COMPLETED", "CANCELLED": "PENDING"}[found["status"]]
        assert (found["order"]["status"], len(found["history"])) == (expected, 2)


async def test_one_status_from_many_is_one_step(desk: Dispatcher, alice: httpx.AsyncClient) -> None:
    dispatch = await desk.dispatch()
    path = f"/api/v1/mobile/dispatches/{dispatch['id']}/status"
    answers = await asyncio.gather(*(alice.put(path, json={"status": "ACCEPTED"}) for _ in range(AT_ONCE)))
    assert outcomes(answers) == {"200": AT_ONCE}
    found = await desk.get(f"/dispatches/{dispatch['id']}")
    assert (len(found["history"]), found["version"]) == (2, 2)


async def test_of_two_changes_of_one_version_one_wins(desk: Dispatcher, alice: httpx.AsyncClient) -> None:
    vehicle = await desk.vehicle()
    bodies = [
        {"license_plate": vehicle["license_plate"], "description": str(number), "version": 1}
        for number in range(AT_ONCE)
    ]
    path = f"/api/v1/vehicles/{vehicle['id']}"
    answers = await asyncio.gather(*(alice.put(path, json=body) for body in bodies))
    assert outcomes(answers) == {"200": 1, "ERR_1504": AT_ONCE - 1}
    refused = [answer.json()["details"] for answer in answers if not answer.is_success]
    assert refused == [{"version": 2}] * (AT_ONCE - 1)


async def test_cancelling_and_dispatching_one_order_at_once_never_both(
    desk: Dispatcher, alice: httpx.AsyncClient
) -> None:
    for _ in range(5):
        parts = await desk.parts()
        cancel, dispatch = await asyncio.gather(
            alice.post(f"/api/v1/orders/{parts['order_id']}/cancel"),
            alice.post("/api/v1/dispatches", json=parts),
        )
        assert outcomes([cancel, dispatch])["ERR_1503"] == 1
        status = (await desk.get(f"/orders/{parts['order_id']}"))["status"]
        assert status == ("CANCELLED" if cancel.is_success else "ASSIGNED")


async def test_many_steps_of_many_dispatches_never_lock_each_other_out(
    desk: Dispatcher, alice: httpx.AsyncClient
) -> None:
    dispatches = [await desk.dispatch() for _ in range(AT_ONCE)]
    for status in ("ACCEPTED", "IN_TRANSIT", "COMPLETED"):
        answers = await asyncio.gather(
            *(
                alice.put(f"/api/v1/dispatches/{dispatch['id']}/status", json={"status": status})
                for dispatch in dispatches
            )
        )
        assert outcomes(answers) == {"200": AT_ONCE}
    assert (await desk.get("/mobile/summary"))["by_status"]["COMPLETED"] == AT_ONCE
