"""Recurring transactions over HTTP: what is stored, refused and changed, and what a change leaves alone."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
RENT = {
    "template_name": "월세",
    "description": "1일 이체",
    "amount": "550000.00",
    "type": "expense",
    "category_id": None,
    "frequency": "monthly",
    "start_date": "2026-01",
    "end_date": None,
    "day_of_month": 31,
    "is_active": True,
    "is_variable_amount": False,
}


async def add_template(client: httpx.AsyncClient, **fields: object) -> dict[str, Any]:
    """A stored template."""
    response = await client.post("/recurring", json=RENT | fields)
    assert response.status_code == 201, response.text
    stored: dict[str, Any] = response.json()
    return stored


async def generate(client: httpx.AsyncClient, template: dict[str, Any], until: str = "") -> dict[str, Any]:
    """What a generation answers."""
    response = await client.post(
        f"/recurring/{template['id']}/generate", params={"until": until} if until else {}
    )
    assert response.status_code == 200, response.text
    made: dict[str, Any] = response.json()
    return made


async def put(client: httpx.AsyncClient, template: dict[str, Any], **fields: object) -> httpx.Response:
    """Replaces the template by RENT with these fields."""
    return await client.put(f"/recurring/{template['id']}", json=RENT | fields)


async def test_a_new_template_is_given_back_as_stored(alice: httpx.AsyncClient) -> None:
    category = (await alice.get("/categories")).json()[6]
    made = await add_template(alice, category_id=category["id"], end_date="2026-12", is_variable_amount=True)
    assert (await alice.get(f"/recurring/{made['id']}")).json() == made
    assert {key: made[key] for key in made if key in RENT} == {
        key: value for key, value in RENT.items() if key != "category_id"
    } | {"end_date": "2026-12", "is_variable_amount": True}
    assert (made["category"], made["generated_until"], made["version"]) == (category, None, 1)


async def test_templates_are_listed_by_name_and_by_pages(alice: httpx.AsyncClient) -> None:
    for name in ("c", "a", "b"):
        await add_template(alice, template_name=name, is_active=name != "b")
    page = (await alice.get("/recurring", params={"page": 2, "page_size": 2})).json()
    assert [item["template_name"] for item in page["items"]] == ["c"]
    assert (page["total"], page["pages"], page["page"], page["page_size"]) == (3, 2, 2, 2)
    active = (await alice.get("/recurring?is_active=true")).json()
    assert [item["template_name"] for item in active["items"]] == ["a", "c"]
    assert (await alice.get("/recurring?is_active=false")).json()["total"] == 1


async def test_a_list_costs_the_same_statements_however_long(
    alice: httpx.AsyncClient, statements: list[str]
) -> None:
    category = (await alice.get("/categories")).json()[0]["id"]
    counts = []
    for size in (1, 100):
        while (await alice.get("/recurring")).json()["total"] < size:
            await add_template(alice, category_id=category)
        statements.clear()
        assert len((await alice.get("/recurring?page_size=100")).json()["items"]) == size
        counts.append(len(statements))
    assert counts[0] == counts[1]


BAD: dict[str, tuple[object, str]] = {
    "template_name": (" ", "must not be blank"),
    "amount": ("-1", "must be from 0 to 9999999999999.99"),
    "frequency": ("weekly", "Input should be 'monthly'"),
    "start_date": ("2026-13", "must be a month like 2026-01"),
    "end_date": ("2026-01-31", "must be a month like 2026-01"),
    "day_of_month": (0, "Input should be greater than or equal to 1"),
    "is_active": ("perhaps", "Input should be a valid boolean, unable to interpret input"),
    "generated_until": ("2026-01", "Extra inputs are not permitted"),
}


async def test_every_bad_field_is_named_at_once(alice: httpx.AsyncClient) -> None:
    response = await alice.post("/recurring", json=RENT | {name: bad for name, (bad, _) in BAD.items()})
    body = response.json()
    assert (response.status_code, body["error_code"]) == (422, "ERR_1001")
    problems = {problem["field"]: problem["problem"] for problem in body["details"]["problems"]}
    assert problems == {f"body.{name}": text for name, (_, text) in BAD.items()}


async def test_another_users_templates_are_not_listed(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    mine, theirs = await add_template(alice), await add_template(bob, template_name="구독")
    for client, template in ((alice, mine), (bob, theirs)):
        page = (await client.get("/recurring")).json()
        assert (page["items"], page["total"]) == ([template], 1)


@pytest.mark.parametrize("day", [True, "1", 1.0, 1.5, 32, None])
async def test_a_day_of_the_month_is_a_whole_number(alice: httpx.AsyncClient, day: object) -> None:
    response = await alice.post("/recurring", json=RENT | {"day_of_month": day})
    assert response.status_code == 422
    assert [found["field"] for found in response.json()["details"]["problems"]] == ["body.day_of_month"]


async def test_a_template_that_ends_before_it_begins_is_refused(alice: httpx.AsyncClient) -> None:
    body = (await alice.post("/recurring", json=RENT | {"end_date": "2025-12"})).json()
    problem = {"field": "body", "problem": "end_date must not be before start_date"}
    assert body["details"]["problems"] == [problem]


async def test_a_category_that_is_none_of_ones_own_is_refused(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    theirs = (await bob.post("/categories", json={"name": "고양이"})).json()["id"]
    mine = await add_template(alice)
    for key in (theirs, str(uuid.uuid4())):
        wanted = RENT | {"category_id": key}
        for response in (
            await alice.post("/recurring", json=wanted),
            await alice.put(f"/recurring/{mine['id']}", json=wanted),
        ):
            assert response.status_code == 422
            problem = {"field": "body.category_id", "problem": "is no category of this user"}
            assert response.json()["details"]["problems"] == [problem]


async def test_what_does_not_exist_is_not_found(alice: httpx.AsyncClient) -> None:
    path = f"/recurring/{uuid.uuid4()}"
    for response in (
        await alice.get(path),
        await alice.put(path, json=RENT),
        await alice.delete(path),
        await alice.post(f"{path}/generate"),
    ):
        body = response.json()
        assert (body["error_code"], body["message"]) == ("ERR_1002", "Recurring transaction not found")


async def test_replacing_changes_every_field_and_no_entry(alice: httpx.AsyncClient) -> None:
    template = await add_template(alice)
    entries = (await generate(alice, template, "2026-03"))["entries"]
    wanted = {
        "template_name": "새 월세",
        "description": "계좌 이체",
        "amount": "600000.00",
        "end_date": "2027-01",
        "day_of_month": 5,
        "is_variable_amount": True,
    }
    response = await put(alice, template, **wanted)
    assert response.status_code == 200
    assert {key: response.json()[key] for key in wanted} == wanted
    assert (response.json()["version"], response.json()["generated_until"]) == (2, "2026-03")
    assert [(await alice.get(f"/transactions/{e['id']}")).json() for e in entries] == entries
    (april,) = (await generate(alice, template, "2026-04"))["entries"]
    assert (april["date"], april["amount"], april["description"]) == ("2026-04-05", "600000.00", "계좌 이체")


async def test_a_generation_is_no_change_that_a_reader_must_know(alice: httpx.AsyncClient) -> None:
    template = await add_template(alice)
    await generate(alice, template, "2026-03")
    after = (await alice.get(f"/recurring/{template['id']}")).json()
    assert after == template | {"generated_until": "2026-03"}


async def test_the_start_cannot_change_once_entries_were_made(alice: httpx.AsyncClient) -> None:
    template = await add_template(alice)
    entries = (await generate(alice, template, "2026-02"))["entries"]
    response = await put(alice, template, start_date="2025-11")
    assert (response.status_code, response.json()["error_code"]) == (409, "ERR_1507")
    assert response.json()["details"] == {"entries": 2}
    for entry in entries:
        await alice.delete(f"/transactions/{entry['id']}")
    assert (await put(alice, template, start_date="2025-11")).status_code == 200
    months = [entry["date"] for entry in (await generate(alice, template, "2026-01"))["entries"]]
    assert months == ["2025-11-30", "2025-12-31", "2026-01-31"]


async def test_who_changes_what_somebody_else_has_changed_is_refused(
    alice: httpx.AsyncClient, add: Add
) -> None:
    entry = await add()
    sent = {key: entry[key] for key in ("date", "description", "amount", "type")}
    for path, body in (
        (f"/recurring/{(await add_template(alice))['id']}", RENT),
        (f"/transactions/{entry['id']}", sent),
    ):
        assert (await alice.put(path, json=body | {"version": 1})).json()["version"] == 2
        refused = await alice.put(path, json=body | {"version": 1})
        assert (refused.status_code, refused.json()["error_code"]) == (409, "ERR_1504")
        assert refused.json()["details"] == {"version": 2}
        assert (await alice.put(path, json=body)).json()["version"] == 3


async def test_a_removed_template_leaves_its_entries_without_it(alice: httpx.AsyncClient) -> None:
    template = await add_template(alice)
    entries = (await generate(alice, template, "2026-02"))["entries"]
    assert (await alice.delete(f"/recurring/{template['id']}")).status_code == 204
    assert (await alice.get(f"/recurring/{template['id']}")).status_code == 404
    left = (await alice.get("/transactions")).json()["items"]
    assert [e["id"] for e in left] == [e["id"] for e in reversed(entries)]
    assert {e["recurring_id"] for e in left} == {None}


async def test_a_category_of_a_template_is_in_use(alice: httpx.AsyncClient) -> None:
    category = (await alice.post("/categories", json={"name": "고양이"})).json()["id"]
    await add_template(alice, category_id=category)
    assert (await alice.delete(f"/categories/{category}")).json()["error_code"] == "ERR_1501"
