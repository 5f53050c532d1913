"""Cursors: every entry once, whatever is added or removed on the way, at the same price on every page."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app.ledger.cursor import Place, write

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
PLACE = {"d": "2026-01-15", "c": "2026-01-15T10:00:00.000001Z", "i": str(UUID(int=7))}


def encoded(content: object) -> str:
    """A cursor with any content."""
    text = content if isinstance(content, str) else json.dumps(content)
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


async def walk(client: httpx.AsyncClient, path: str = "/transactions", **query: object) -> list[str]:
    """The descriptions of all entries, from page to page by cursor."""
    found: list[str] = []
    params: dict[str, Any] = {"page_size": 3, **query}
    while True:
        answer = (await client.get(path, params=params)).json()
        found += [item["description"] for item in answer["items"]]
        if answer["next_cursor"] is None:
            return found
        params["cursor"] = answer["next_cursor"]


@pytest.fixture
async def seven(add: Add) -> list[str]:
    """Seven entries of three days; their descriptions, the newest first."""
    for number, day in enumerate((10, 11, 11, 11, 11, 11, 12)):
        await add(description=str(number), date=f"2026-01-{day}")
    return list("6543210")


async def test_a_cursor_leads_through_every_entry_once(alice: httpx.AsyncClient, seven: list[str]) -> None:
    assert await walk(alice) == seven
    assert await walk(alice, "/transactions/by-month/2026/1") == seven
    assert await walk(alice, "/transactions/by-date/2026-01-11") == seven[1:6]
    assert await walk(alice, date_to="2026-01-11", page_size=1) == seven[1:]


async def test_a_page_by_number_tells_the_cursor_of_the_next(
    alice: httpx.AsyncClient, seven: list[str]
) -> None:
    second = (await alice.get("/transactions?page=2&page_size=3")).json()
    assert (second["total"], second["page"], second["pages"]) == (7, 2, 3)
    third = (await alice.get(f"/transactions?page_size=3&cursor={second['next_cursor']}")).json()
    assert [item["description"] for item in third["items"]] == seven[6:]
    counted = (third["total"], third["page"], third["pages"], third["page_size"], third["next_cursor"])
    assert counted == (None, None, None, 3, None)


async def test_what_is_added_or_removed_meanwhile_shifts_nothing(
    alice: httpx.AsyncClient, add: Add, seven: list[str]
) -> None:
    first = (await alice.get("/transactions?page_size=3")).json()
    await add(description="new", date="2026-01-31")
    await add(description="late", date="2026-01-01")
    await alice.delete(f"/transactions/{first['items'][2]['id']}")  # the place itself
    rest = await walk(alice, cursor=first["next_cursor"])
    assert rest == [*seven[3:], "late"]


async def test_entries_of_one_moment_are_told_apart(alice: httpx.AsyncClient) -> None:
    entries = [
        {"id": n, "date": "2026-01-15", "description": str(n), "amount": 1, "type": "expense"}
        for n in range(10)
    ]
    await alice.post("/backup/import", json={"transactions": entries})  # one transaction, one created_at
    assert sorted(await walk(alice)) == [str(n) for n in range(10)]


async def test_a_cursor_of_another_user_shows_only_ones_own(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient, add: Add, seven: list[str]
) -> None:
    await add(bob, description="bobs", date="2026-01-01")
    theirs = (await alice.get("/transactions?page_size=3")).json()["next_cursor"]
    assert await walk(bob, cursor=theirs) == ["bobs"]


async def test_a_cursor_costs_no_count(
    alice: httpx.AsyncClient, seven: list[str], statements: list[str]
) -> None:
    cursor = (await alice.get("/transactions?page_size=3")).json()["next_cursor"]
    statements.clear()
    await alice.get(f"/transactions?page_size=3&cursor={cursor}")
    assert not [text for text in statements if "count(" in text]


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "한글",
        "'; DROP TABLE transactions; --",
        "A" * 5000,
        encoded("[]"),
        encoded("7"),
        encoded(PLACE | {"d": "2026-02-30"}),
        encoded(PLACE | {"d": "0001-01-01"}),
        encoded(PLACE | {"c": "2026-01-15T10:00:00"}),
        encoded(PLACE | {"c": "0001-01-01T00:00:00+14:00"}),
        encoded(PLACE | {"c": "9999-12-31T23:59:59-14:00"}),
        encoded(PLACE | {"c": 1e30}),
        encoded(PLACE | {"i": "7"}),
        encoded(PLACE | {"user_id": str(uuid4())}),
        encoded({"d": "2026-01-15"}),
    ],
)
async def test_a_cursor_that_is_none_is_refused(alice: httpx.AsyncClient, cursor: str) -> None:
    response = await alice.get("/transactions", params={"cursor": cursor})
    problem = {"field": "query.cursor", "problem": "is no cursor of an answer"}
    assert (response.status_code, response.json()["details"]["problems"]) == (422, [problem])


async def test_a_page_and_a_cursor_exclude_each_other(alice: httpx.AsyncClient) -> None:
    response = await alice.get("/transactions", params={"cursor": encoded(PLACE), "page": 2})
    problem = {"field": "query", "problem": "page and cursor exclude each other"}
    assert response.json()["details"]["problems"] == [problem]


@pytest.mark.unit
def test_a_cursor_keeps_every_microsecond() -> None:
    place = Place(d=date(2026, 1, 15), c=datetime(2026, 1, 15, 10, 0, 0, 1, UTC), i=UUID(int=7))
    assert json.loads(base64.urlsafe_b64decode(write(place) + "==")) == PLACE


@pytest.mark.parametrize("way", ["page=1", f"cursor={encoded(PLACE | {'d': '2999-01-01'})}"])
async def test_a_list_costs_the_same_statements_for_1_and_for_100(
    add: Add, alice: httpx.AsyncClient, statements: list[str], way: str
) -> None:
    category = (await alice.get("/categories")).json()[0]["id"]
    counts = []
    for more, size in ((1, 1), (99, 100)):
        await asyncio.gather(*(add(category_id=category) for _ in range(more)))
        statements.clear()
        answer = (await alice.get(f"/transactions?{way}&page_size=100")).json()
        assert len(answer["items"]) == size
        counts.append(len(statements))
    assert counts[0] == counts[1]
