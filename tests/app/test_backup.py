"""Import and export of the IndexedDB format: all or nothing, twice is once, out and in is the identity."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import date, timedelta
from typing import Any

import httpx
import pytest

from app.core.context import Context

pytestmark = pytest.mark.integration
RENT = {
    "id": 7,
    "template_name": "월세",
    "description": "1일 이체",
    "amount": 550000,
    "type": "expense",
    "frequency": "monthly",
    "start_date": "2025-01",
    "end_date": None,
    "day_of_month": 31,
    "is_active": True,
    "is_variable_amount": False,
}
COFFEE = {
    "id": 1,
    "date": "2026-01-15",
    "description": "아메리카노",
    "amount": 4500,
    "type": "expense",
    "category": "☕ 카페",
    "status": "confirmed",
    "recurring_id": None,
}
PAID = COFFEE | {
    "id": 2,
    "description": "월세",
    "amount": 550000.5,
    "category": "🐈 반려동물",
    "recurring_id": 7,
}
FILE: dict[str, Any] = {
    "transactions": [COFFEE, COFFEE | {"id": 3}, PAID],
    "recurring_transactions": [RENT],
    "categories": [{"id": 1, "name": "반려동물", "emoji": "🐈"}, {"id": 2, "name": "기타 수입", "emoji": ""}],
}


async def imported(client: httpx.AsyncClient, file: Any) -> dict[str, Any]:
    response = await client.post("/backup/import", json=file)
    assert response.status_code == 200, response.text
    report: dict[str, Any] = response.json()
    return report


async def exported(client: httpx.AsyncClient) -> dict[str, Any]:
    response = await client.get("/backup/export")
    assert response.headers["content-disposition"] == 'attachment; filename="household-ledger.json"'
    file: dict[str, Any] = response.json()
    return file


async def test_a_browsers_export_arrives_whole(alice: httpx.AsyncClient) -> None:
    assert await imported(alice, FILE) == {
        "imported": 3,
        "skipped": 0,
        "recurring_imported": 1,
        "recurring_skipped": 0,
        "categories_created": ["🐈 반려동물", "기타 수입"],
    }
    found = (await alice.get("/transactions")).json()["items"]
    rent = next(item for item in found if item["description"] == "월세")
    assert (rent["amount"], rent["category"]["name"]) == ("550000.50", "반려동물")
    coffees = [item for item in found if item["category"]["name"] == "카페"]
    assert len(coffees) == 2
    assert all(item["category"]["is_default"] for item in coffees)


async def test_importing_again_adds_nothing(alice: httpx.AsyncClient) -> None:
    await imported(alice, FILE)
    again = await imported(alice, FILE)
    assert (again["imported"], again["skipped"]) == (0, 3)
    assert (again["recurring_imported"], again["recurring_skipped"], again["categories_created"]) == (
        0,
        1,
        [],
    )


async def test_a_grown_file_adds_what_is_new(alice: httpx.AsyncClient) -> None:
    await imported(alice, FILE)
    grown = FILE | {"transactions": [*FILE["transactions"], COFFEE | {"id": 9}]}  # a third coffee that day
    report = await imported(alice, grown)
    assert (report["imported"], report["skipped"]) == (1, 3)


async def test_two_imports_at_once_are_one_after_the_other(alice: httpx.AsyncClient) -> None:
    reports = await asyncio.gather(*(imported(alice, FILE) for _ in range(4)))
    assert sorted(report["imported"] for report in reports) == [0, 0, 0, 3]
    assert (await alice.get("/transactions")).json()["total"] == 3


async def test_out_and_in_again_is_the_identity(alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    await imported(alice, FILE)
    file = await exported(alice)
    assert await imported(alice, file) | {"skipped": 0} == {
        "imported": 0,
        "skipped": 0,
        "recurring_imported": 0,
        "recurring_skipped": 1,
        "categories_created": [],
    }
    await imported(bob, file)
    assert await exported(bob) == file == await exported(alice)


async def test_an_export_is_what_the_browser_wrote(alice: httpx.AsyncClient) -> None:
    await imported(alice, FILE)
    file = await exported(alice)
    ours = {"category": None, "generated_until": "2026-01"}
    assert file["recurring_transactions"] == [RENT | {"id": 1} | ours]
    assert [entry["amount"] for entry in file["transactions"]] == [4500, 4500, 550000.5]
    assert {key: file["transactions"][2][key] for key in COFFEE} == PAID | {"id": 3, "recurring_id": 1}
    assert [(row["emoji"], row["name"]) for row in file["categories"]] == [
        ("", "기타 수입"),
        ("🐈", "반려동물"),
    ]


@pytest.mark.parametrize("seed", range(5))
async def test_any_ledger_survives_the_way_out_and_in(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient, seed: int
) -> None:
    await imported(alice, any_file(random.Random(seed), 60))
    file = await exported(alice)
    await imported(bob, file)
    assert await exported(bob) == file
    again = await imported(bob, file)
    assert (again["imported"], again["recurring_imported"], again["categories_created"]) == (0, 0, [])


def any_file(chance: random.Random, size: int) -> dict[str, Any]:
    """A file with many equal and nearly equal rows."""
    labels = ["☕ 카페", "카페", "🍚 외식 비용", "외식 비용", "1️⃣ 하나", "👨‍👩‍👧‍👦 가족", None]
    templates = [
        RENT | {"id": n, "amount": chance.choice([1, 2.5]), "end_date": chance.choice([None, "2026-12"])}
        for n in range(6)
    ]
    entries = [
        COFFEE
        | {
            "id": n,
            "date": str(date(2026, 1, 1) + timedelta(days=chance.randrange(3))),
            "amount": chance.choice([0, 1, 1.5, 9999999999999.99]),
            "category": chance.choice(labels),
            "type": chance.choice(["income", "expense"]),
            "status": chance.choice(["confirmed", "scheduled"]),
        }
        for n in range(size)
    ]
    distinct = {json.dumps(template | {"id": 0}): template for template in templates}
    for entry in entries[::3]:
        entry["recurring_id"] = chance.choice(list(distinct.values()))["id"]
    return {"transactions": entries, "recurring_transactions": list(distinct.values())}


async def test_an_entry_made_here_is_in_the_export(alice: httpx.AsyncClient) -> None:
    entry = {"date": "2026-01-15", "description": "x", "amount": "0.10", "type": "income"}
    await alice.post("/transactions", json=entry)
    (row,) = (await exported(alice))["transactions"]
    assert row == entry | {
        "id": 1,
        "amount": 0.1,
        "category": None,
        "status": "confirmed",
        "recurring_id": None,
        "occurrence": None,
    }


async def test_an_import_leaves_other_users_alone(alice: httpx.AsyncClient, bob: httpx.AsyncClient) -> None:
    await imported(alice, FILE)
    assert (await exported(bob)) == {"transactions": [], "recurring_transactions": [], "categories": []}


async def test_every_problem_is_listed_and_nothing_written(alice: httpx.AsyncClient) -> None:
    bad = {
        "transactions": [
            COFFEE,
            COFFEE | {"date": "2026-13-01", "amount": -5},
            "row",
            COFFEE | {"recurring_id": 8},
            COFFEE | {"category": "x" * 101, "description": None},
            COFFEE | {"category": " ", "recurring_id": "7"},
        ],
        "recurring_transactions": [
            RENT | {"start_date": "2026-00", "day_of_month": 32, "id": 8},
            RENT,
            RENT | {"end_date": "2024-12"},
        ],
        "categories": [{"name": "x", "emoji": "ab"}, {"emoji": "🐈"}],
    }
    response = await alice.post("/backup/import", json=bad)
    body = response.json()
    assert (response.status_code, body["error_code"]) == (422, "ERR_1500")
    assert {problem["field"]: problem["problem"] for problem in body["details"]["problems"]} == {
        "transactions[1].date": "Input should be a valid date or datetime, "
        "month value is outside expected range of 1-12",
        "transactions[1].amount": "must be from 0 to 9999999999999.99",
        "transactions[2]": "must be an object",
        "transactions[4].category": "must have a name of at most 100 characters",
        "transactions[4].description": "Input should be a valid string",
        "transactions[5].category": "must not be blank",
        "transactions[5].recurring_id": "Input should be a valid integer",
        "recurring_transactions[0].start_date": "must be a month like 2026-01",
        "recurring_transactions[0].day_of_month": "Input should be less than or equal to 31",
        "recurring_transactions[2].id": "occurs twice",
        "recurring_transactions[2].end_date": "must not be before start_date",
        "categories[0]": "the emoji must be one emoji or empty, and the name must not begin with one",
        "categories[1].name": "Field required",
    }
    assert body["details"]["total"] == 13
    assert (await exported(alice))["transactions"] == []


async def test_a_reference_to_a_template_that_is_not_there_is_refused(alice: httpx.AsyncClient) -> None:
    body = (await alice.post("/backup/import", json={"transactions": [PAID]})).json()
    problem = {"field": "transactions[0].recurring_id", "problem": "is in no row of recurring_transactions"}
    assert body["details"] == {"problems": [problem], "total": 1}


async def test_at_most_a_hundred_problems_are_listed_and_all_are_counted(alice: httpx.AsyncClient) -> None:
    body = (await alice.post("/backup/import", json={"transactions": [{}] * 300})).json()
    assert (len(body["details"]["problems"]), body["details"]["total"]) == (100, 1200)


@pytest.mark.parametrize("body", [[], {}, 7, "text", {"other": []}, {"transactions": {}}])
async def test_what_is_no_backup_is_refused(alice: httpx.AsyncClient, body: Any) -> None:
    response = await alice.post("/backup/import", json=body)
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1500")


async def test_a_failure_in_the_middle_leaves_nothing(
    alice: httpx.AsyncClient, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.ledger.repository import LedgerRepository

    whole = LedgerRepository.add_all

    async def broken(self: LedgerRepository, model: Any, rows: Any) -> None:
        await whole(self, model, rows)
        if model.__tablename__ == "transactions":
            raise RuntimeError("the plug was pulled")

    monkeypatch.setattr(LedgerRepository, "add_all", broken)
    assert (await alice.post("/backup/import", json=FILE)).status_code == 500
    monkeypatch.undo()
    assert (await exported(alice)) == {"transactions": [], "recurring_transactions": [], "categories": []}
    assert len((await alice.get("/categories")).json()) == 15


async def test_2000_entries_are_imported_in_one_request(alice: httpx.AsyncClient) -> None:
    file = {"transactions": [COFFEE | {"id": n, "description": f"{n}"} for n in range(2_000)]}
    assert (await imported(alice, file))["imported"] == 2_000
