"""Transactions over HTTP on a real database: what is stored, found, refused, and whose it is."""

from __future__ import annotations

import json
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
JSON = {"content-type": "application/json"}
ENTRY = {"date": "2026-01-15", "description": "점심", "amount": "12000", "type": "expense"}


async def test_a_new_entry_is_given_back_as_stored(alice: httpx.AsyncClient) -> None:
    created = (await alice.post("/transactions", json=ENTRY | {"status": "scheduled"})).json()
    found = (await alice.get(f"/transactions/{created['id']}")).json()
    assert found == created
    assert {key: found[key] for key in ENTRY} == ENTRY | {"amount": "12000.00"}
    assert (found["status"], found["category"], found["recurring_id"]) == ("scheduled", None, None)


@pytest.mark.parametrize(
    ("sent", "stored"),
    [(12000, "12000.00"), (0.1, "0.10"), ("9999999999999.99", "9999999999999.99"), (0, "0.00")],
)
async def test_no_digit_of_an_amount_is_lost(add: Add, sent: object, stored: str) -> None:
    assert (await add(amount=sent))["amount"] == stored


@pytest.mark.parametrize(
    "number",
    [
        "9999999999999.991",
        "1.100000000000000000001",
        "0.1" + "0" * 28 + "1",
        "12000.005",
        "10000000000000",
        "9999999999999.995",
        "1e-3",
        "1e9999999999999999999",
        "1e400",
        "NaN",
        "-0.001",
    ],
)
async def test_a_json_number_is_as_exact_as_text(alice: httpx.AsyncClient, number: str) -> None:
    body = json.dumps(ENTRY | {"amount": 0}).replace('"amount": 0', f'"amount": {number}')
    for path, sent in (("/transactions", body), ("/recurring", body)):
        answer = await alice.post(path, content=sent, headers=JSON)
        assert answer.status_code == 422, answer.text
        assert "body.amount" in [problem["field"] for problem in answer.json()["details"]["problems"]]
    file = f'{{"transactions": [{body}]}}'
    assert (await alice.post("/backup/import", content=file, headers=JSON)).status_code == 422


@pytest.mark.parametrize(
    ("number", "stored"),
    [("9999999999999.99", "9999999999999.99"), ("1.100", "1.10"), ("1.2e4", "12000.00"), ("-0.0", "0.00")],
)
async def test_a_json_number_that_fits_is_stored_to_the_digit(
    alice: httpx.AsyncClient, number: str, stored: str
) -> None:
    body = json.dumps(ENTRY | {"amount": 0}).replace('"amount": 0', f'"amount": {number}')
    answer = await alice.post("/transactions", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["amount"]) == (201, stored)


@pytest.mark.parametrize(
    "text", ["😀 회식 👨‍👩‍👧‍👦", "'; DROP TABLE users; --", "", "line\nline\ttab", "ａ" * 2000]
)
async def test_any_text_comes_back_unchanged(add: Add, text: str) -> None:
    assert (await add(description=text))["description"] == text


async def test_one_word_in_two_unicode_forms_is_one_word(add: Add, alice: httpx.AsyncClient) -> None:
    await add(description="\u1112\u1161\u11ab\u1100\u1173\u11af")  # the letters of 한글, one by one
    assert (await alice.get("/transactions", params={"q": "한글"})).json()["total"] == 1


BAD = {
    "date": ("2026-02-30", "Input should be a valid date or datetime, day value is outside expected range"),
    "description": ("nul\x00", "must not hold control characters"),
    "amount": ("1.234", "Decimal input should have no more than 2 decimal places"),
    "type": ("gift", "Input should be 'income' or 'expense'"),
    "status": ("maybe", "Input should be 'confirmed' or 'scheduled'"),
    "category_id": (
        "7",
        "Input should be a valid UUID, invalid length: found 1",
    ),
    "colour": ("red", "Extra inputs are not permitted"),
}


async def test_every_bad_field_is_named_at_once(alice: httpx.AsyncClient) -> None:
    response = await alice.post("/transactions", json=ENTRY | {name: bad for name, (bad, _) in BAD.items()})
    body = response.json()
    assert (response.status_code, body["error_code"], body["details"]["total"]) == (422, "ERR_1001", len(BAD))
    problems = {problem["field"]: problem["problem"] for problem in body["details"]["problems"]}
    assert problems == {f"body.{name}": text for name, (_, text) in BAD.items()}


@pytest.mark.parametrize(
    "amount", [-1, "-0.01", "10000000000000", 1e300, "1e5", "１２", "1_000", "NaN", True, None, [], ""]
)
async def test_an_amount_that_is_none_is_refused(alice: httpx.AsyncClient, amount: object) -> None:
    response = await alice.post("/transactions", json=ENTRY | {"amount": amount})
    assert response.status_code == 422
    assert [problem["field"] for problem in response.json()["details"]["problems"]] == ["body.amount"]


@pytest.mark.parametrize(
    "day", ["2026-1-5", "20260105", 0, "2026-01-05T00:00:00", "1899-12-31", "3000-01-01", None]
)
async def test_a_day_that_is_none_is_refused(alice: httpx.AsyncClient, day: object) -> None:
    assert (await alice.post("/transactions", json=ENTRY | {"date": day})).status_code == 422


async def test_references_to_nothing_are_all_named(alice: httpx.AsyncClient) -> None:
    entry = ENTRY | {"category_id": str(uuid.uuid4()), "recurring_id": str(uuid.uuid4())}
    response = await alice.post("/transactions", json=entry)
    assert response.status_code == 422
    fields = [problem["field"] for problem in response.json()["details"]["problems"]]
    assert fields == ["body.category_id", "body.recurring_id"]


async def test_replacing_changes_every_field(add: Add, alice: httpx.AsyncClient) -> None:
    before = await add()
    category = (await alice.get("/categories")).json()[0]
    wanted = {"date": "2025-12-31", "description": "월급", "amount": "3200000", "type": "income"}
    after = (
        await alice.put(f"/transactions/{before['id']}", json=wanted | {"category_id": category["id"]})
    ).json()
    assert {key: after[key] for key in wanted} == wanted | {"amount": "3200000.00"}
    assert (after["id"], after["created_at"], after["category"]) == (
        before["id"],
        before["created_at"],
        category,
    )
    assert after["updated_at"] > before["updated_at"]
    cleared = (await alice.put(f"/transactions/{before['id']}", json=wanted)).json()
    assert cleared["category"] is None


async def test_a_removed_entry_is_gone(add: Add, alice: httpx.AsyncClient) -> None:
    path = f"/transactions/{(await add())['id']}"
    assert (await alice.delete(path)).status_code == 204
    for method in ("GET", "DELETE"):
        body = (await alice.request(method, path)).json()
        assert (body["error_code"], body["message"]) == ("ERR_1002", "Transaction not found")


async def test_another_users_entries_do_not_exist(
    add: Add, bob: httpx.AsyncClient, alice: httpx.AsyncClient
) -> None:
    path = f"/transactions/{(await add())['id']}"
    answers = [await bob.get(path), await bob.put(path, json=ENTRY), await bob.delete(path)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    for route in ("/transactions", "/transactions/by-date/2026-01-15", "/transactions/by-month/2026/1"):
        assert (await bob.get(route)).json()["total"] == 0
    assert (await alice.get(path)).status_code == 200


async def test_pages_show_every_entry_once_newest_first(add: Add, alice: httpx.AsyncClient) -> None:
    for day in range(1, 8):
        await add(date=f"2026-01-0{day}")
    pages = [
        (await alice.get("/transactions", params={"page": n, "page_size": 3})).json() for n in (1, 2, 3, 4)
    ]
    assert [[item["date"][-1] for item in page["items"]] for page in pages] == [[*"765"], [*"432"], ["1"], []]
    assert {(page["total"], page["pages"], page["page_size"]) for page in pages} == {(7, 3, 3)}


@pytest.mark.parametrize(
    "query",
    [
        "page=0",
        "page=1000001",
        "page_size=0",
        "page_size=1001",
        "date_from=x",
        "type=x",
        "status=x",
        "colour=red",
    ],
)
async def test_a_query_that_cannot_be_is_refused(alice: httpx.AsyncClient, query: str) -> None:
    response = await alice.get(f"/transactions?{query}")
    assert response.status_code == 422
    assert response.json()["details"]["problems"][0]["field"] == f"query.{query.split('=')[0]}"


async def test_a_period_that_ends_before_it_begins_is_refused(alice: httpx.AsyncClient) -> None:
    response = await alice.get("/transactions?date_from=2026-02-01&date_to=2026-01-31")
    problem = {"field": "query", "problem": "date_from must not be after date_to"}
    assert response.json()["details"]["problems"] == [problem]


async def test_each_filter_narrows(add: Add, alice: httpx.AsyncClient) -> None:
    food, snack = (await alice.get("/categories")).json()[:2]
    await add(description="a", date="2026-01-01", category_id=food["id"])
    await add(description="b", date="2026-01-02", category_id=snack["id"], type="income")
    await add(description="c 100%", date="2026-01-03", status="scheduled")
    queries = {
        "date_from=2026-01-02": "bc",
        "date_to=2026-01-02": "ab",
        "date_from=2026-01-02&date_to=2026-01-02": "b",
        "type=income": "b",
        "status=scheduled": "c",
        f"category={food['id']}": "a",
        "category=식비": "a",
        "category=🍪 간식류": "b",
        "category=없음": "",
        f"category={uuid.uuid4()}": "",
        "q=100%25": "c",
        "q=C 1": "c",
        "q=_": "",
        "type=expense&status=confirmed": "a",
    }
    for query, expected in queries.items():
        found = (await alice.get(f"/transactions?{query}")).json()
        assert "".join(sorted(item["description"][0] for item in found["items"])) == expected, query
        assert found["total"] == len(expected)


@pytest.mark.parametrize(
    ("year", "month", "first", "last"),
    [
        (2024, 2, "2024-02-01", "2024-02-29"),
        (2026, 2, "2026-02-01", "2026-02-28"),
        (2025, 12, "2025-12-01", "2025-12-31"),
        (2999, 12, "2999-12-01", "2999-12-31"),
    ],
)
async def test_a_month_has_its_first_and_its_last_day(
    add: Add, alice: httpx.AsyncClient, year: int, month: int, first: str, last: str
) -> None:
    for day in (
        first,
        last,
        "2024-01-31",
        "2024-03-01",
        "2026-01-31",
        "2026-03-01",
        "2025-11-30",
        "2026-01-01",
    ):
        await add(date=day)
    found = (await alice.get(f"/transactions/by-month/{year}/{month}")).json()
    assert [item["date"] for item in found["items"]] == [last, first]


async def test_a_day_shows_its_own_entries_only(add: Add, alice: httpx.AsyncClient) -> None:
    for day in ("2026-01-14", "2026-01-15", "2026-01-15", "2026-01-16"):
        await add(date=day)
    assert (await alice.get("/transactions/by-date/2026-01-15")).json()["total"] == 2


@pytest.mark.parametrize(
    "path",
    ["by-month/2026/13", "by-month/2026/0", "by-month/1899/1", "by-month/x/1", "by-date/2026-02-30", "7"],
)
async def test_a_path_that_cannot_be_is_refused(alice: httpx.AsyncClient, path: str) -> None:
    response = await alice.get(f"/transactions/{path}")
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1001")


async def test_a_list_costs_the_same_statements_however_long(
    add: Add, alice: httpx.AsyncClient, statements: list[str]
) -> None:
    category = (await alice.get("/categories")).json()[0]
    counts = []
    for _ in range(2):
        for _ in range(4):
            await add(category_id=category["id"])
        statements.clear()
        await alice.get("/transactions")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4
