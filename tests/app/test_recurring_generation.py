"""Generation of entries: once each, on the right day, whatever was moved, removed, paused, asked at once."""

from __future__ import annotations

import asyncio
from datetime import date
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from app.core.context import Context
from app.ledger import recurring_router
from app.ledger.generation import MOST_MONTHS, due
from app.ledger.months import plus
from tests.app.test_recurring import RENT, add_template, generate, put

pytestmark = pytest.mark.integration


def days(made: dict[str, Any]) -> list[str]:
    return [entry["date"] for entry in made["entries"]]


def template(**fields: object) -> SimpleNamespace:
    """The columns of a template that say what is due."""
    usual: dict[str, object] = {
        "start_date": date(2026, 1, 1),
        "end_date": None,
        "day_of_month": 15,
        "is_active": True,
        "generated_until": None,
    }
    return SimpleNamespace(**usual | fields)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("fields", "until", "months", "done"),
    [
        ({}, date(2026, 1, 14), 0, 0),
        ({}, date(2026, 1, 15), 1, 0),
        ({}, date(2026, 3, 31), 3, 0),
        ({"day_of_month": 31}, date(2026, 2, 27), 1, 0),
        ({"day_of_month": 31}, date(2026, 2, 28), 2, 0),
        ({"day_of_month": 29}, date(2028, 2, 28), 25, 0),
        ({"day_of_month": 29}, date(2028, 2, 29), 26, 0),
        ({"generated_until": date(2026, 2, 1)}, date(2026, 3, 31), 1, 2),
        ({"generated_until": date(2026, 5, 1)}, date(2026, 3, 31), 0, 3),
        ({"generated_until": date(2025, 5, 1)}, date(2026, 3, 31), 3, 0),
        ({"end_date": date(2026, 2, 1)}, date(2026, 12, 31), 2, 0),
        ({"end_date": date(2026, 2, 1), "generated_until": date(2026, 2, 1)}, date(2026, 12, 31), 0, 2),
        ({"is_active": False}, date(2026, 12, 31), 0, 0),
        ({"start_date": date(2027, 1, 1)}, date(2026, 12, 31), 0, 0),
    ],
)
def test_what_is_due_follows_from_start_end_day_and_what_is_done(
    fields: dict[str, object], until: date, months: int, done: int
) -> None:
    found = due(template(**fields), until)
    assert (len(found.months), found.done, found.complete) == (months, done, True)


@pytest.mark.unit
def test_one_call_looks_at_ten_years_and_says_that_more_is_left() -> None:
    found = due(template(), plus(date(2026, 1, 1), MOST_MONTHS).replace(day=28))
    assert (len(found.months), found.complete) == (MOST_MONTHS, False)
    assert found.months[-1] == date(2035, 12, 1)


@pytest.mark.parametrize(
    ("start", "until", "day", "expected"),
    [
        ("2024-01", "2024-04", 31, ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"]),
        ("2026-02", "2026-03", 30, ["2026-02-28", "2026-03-30"]),
        ("2100-02", "2100-02", 29, ["2100-02-28"]),
        ("2000-02", "2000-02", 29, ["2000-02-29"]),
        ("2025-11", "2026-02", 1, ["2025-11-01", "2025-12-01", "2026-01-01", "2026-02-01"]),
        ("2999-12", "2999-12", 31, ["2999-12-31"]),
    ],
)
async def test_a_day_that_a_month_has_not_is_its_last(
    alice: httpx.AsyncClient, start: str, until: str, day: int, expected: list[str]
) -> None:
    stored = await add_template(alice, start_date=start, day_of_month=day)
    assert days(await generate(alice, stored, until)) == expected


async def test_an_entry_is_what_the_template_says_and_scheduled(alice: httpx.AsyncClient) -> None:
    category = (await alice.get("/categories")).json()[6]
    stored = await add_template(alice, category_id=category["id"], is_variable_amount=True)
    (entry,) = (await generate(alice, stored, "2026-01"))["entries"]
    assert entry == (await alice.get(f"/transactions/{entry['id']}")).json()
    assert (entry["amount"], entry["type"], entry["status"]) == ("550000.00", "expense", "scheduled")
    assert (entry["description"], entry["category"], entry["recurring_id"]) == (
        RENT["description"],
        category,
        stored["id"],
    )


async def test_generating_again_makes_nothing(alice: httpx.AsyncClient) -> None:
    stored = await add_template(alice)
    first, second = [await generate(alice, stored, "2026-03") for _ in range(2)]
    assert (first["created"], first["skipped"], first["complete"]) == (3, 0, True)
    assert second == {"created": 0, "skipped": 3, "complete": True, "entries": []}
    third = await generate(alice, stored, "2026-05")
    assert (days(third), third["skipped"]) == (["2026-04-30", "2026-05-31"], 3)


async def test_ten_generations_at_once_make_each_entry_once(alice: httpx.AsyncClient) -> None:
    stored = await add_template(alice)
    made = await asyncio.gather(*(generate(alice, stored, "2026-12") for _ in range(10)))
    assert sorted(one["created"] for one in made) == [0] * 9 + [12]
    assert (await alice.get("/transactions")).json()["total"] == 12


async def test_an_entry_that_was_moved_changed_or_removed_is_not_made_again(alice: httpx.AsyncClient) -> None:
    stored = await add_template(alice)
    moved, cut_off, removed = (await generate(alice, stored, "2026-03"))["entries"]
    wanted = {"date": "2026-06-15", "description": "x", "amount": "1", "type": "expense"}
    await alice.put(f"/transactions/{moved['id']}", json=wanted | {"recurring_id": stored["id"]})
    await alice.put(f"/transactions/{cut_off['id']}", json=wanted)
    await alice.delete(f"/transactions/{removed['id']}")
    again = await generate(alice, stored, "2026-06")
    assert days(again) == ["2026-04-30", "2026-05-31", "2026-06-30"]


async def test_a_month_with_an_entry_of_the_users_own_hand_is_left_alone(alice: httpx.AsyncClient) -> None:
    stored = await add_template(alice)
    paid = {"date": "2026-02-03", "description": "", "amount": "1", "type": "expense"}
    await alice.post("/transactions", json=paid | {"recurring_id": stored["id"]})
    made = await generate(alice, stored, "2026-03")
    assert (days(made), made["skipped"]) == (["2026-01-31", "2026-03-31"], 1)


async def test_a_month_belongs_to_one_entry_of_one_template(
    alice: httpx.AsyncClient, context: Context
) -> None:
    stored = await add_template(alice)
    (entry,) = (await generate(alice, stored, "2026-01"))["entries"]
    other = await add_template(alice)
    wanted = {key: entry[key] for key in ("date", "description", "amount", "type")}
    await alice.put(f"/transactions/{entry['id']}", json=wanted | {"recurring_id": other["id"]})
    made = await generate(alice, other, "2026-01")
    assert (made["created"], made["skipped"]) == (0, 1)
    await alice.put(f"/transactions/{entry['id']}", json=wanted | {"recurring_id": stored["id"]})
    assert (await generate(alice, stored, "2026-01"))["created"] == 0


async def test_a_template_that_ended_or_rests_makes_nothing(alice: httpx.AsyncClient) -> None:
    ended = await add_template(alice, end_date="2026-02")
    assert (await generate(alice, ended, "2026-12"))["created"] == 2
    resting = await add_template(alice, is_active=False)
    assert await generate(alice, resting, "2026-12") == {
        "created": 0,
        "skipped": 0,
        "complete": True,
        "entries": [],
    }


async def test_months_of_a_pause_are_not_made_up_for(
    alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recurring_router, "today", lambda _zone: date(2026, 3, 15))
    stored = await add_template(alice, start_date="2020-01", day_of_month=1)
    await generate(alice, stored, "2020-02")
    await put(alice, stored, start_date="2020-01", day_of_month=1, is_active=False)
    assert (await generate(alice, stored))["created"] == 0
    await put(alice, stored, start_date="2020-01", day_of_month=1, is_active=True)
    assert days(await generate(alice, stored)) == ["2026-03-01"]


async def test_more_than_ten_years_take_more_than_one_call(alice: httpx.AsyncClient) -> None:
    stored = await add_template(alice, start_date="2000-01")
    first = await generate(alice, stored, "2010-03")
    assert (first["created"], first["complete"]) == (120, False)
    second = await generate(alice, stored, "2010-03")
    assert (second["created"], second["skipped"], second["complete"]) == (3, 120, True)


@pytest.mark.parametrize("until", ["2026-00", "2026-1", "x", "1899-12", "3000-01", "2026-01-01"])
async def test_a_month_that_is_none_is_refused(alice: httpx.AsyncClient, until: str) -> None:
    stored = await add_template(alice)
    response = await alice.post(f"/recurring/{stored['id']}/generate", params={"until": until})
    problem = {"field": "query.until", "problem": "must be a month like 2026-01"}
    assert (response.status_code, response.json()["details"]["problems"]) == (422, [problem])


async def test_generated_entries_are_seen_in_the_sums_at_once(alice: httpx.AsyncClient) -> None:
    stored = await add_template(alice, amount="10")
    assert (await alice.get("/stats/summary")).json()["count"] == 0
    await generate(alice, stored, "2026-03")
    assert (await alice.get("/stats/summary")).json()["expense"] == "30.00"
