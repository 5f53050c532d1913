"""Shares of categories: right sums in the right order, and percentages that add up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ledger.statistics import percentages

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]
AMOUNTS = st.decimals(min_value=0, max_value=Decimal("9999999999999.99"), places=2)


@pytest.mark.unit
@given(st.lists(AMOUNTS, max_size=30))
def test_percentages_add_up_and_none_is_off_by_a_whole_hundredth(amounts: list[Decimal]) -> None:
    total = sum(amounts)
    shares = percentages(amounts)
    assert sum(shares) == (100 if total else 0)
    for amount, share in zip(amounts, shares, strict=True):
        assert not total or abs(share - 100 * amount / total) < Decimal("0.01")


@pytest.mark.unit
@pytest.mark.parametrize(
    ("amounts", "shares"),
    [
        ([1, 1, 1], ["33.34", "33.33", "33.33"]),
        ([2, 1], ["66.67", "33.33"]),
        ([1] * 7, ["14.29"] * 4 + ["14.28"] * 3),
        (["9999999999999.99", "0.01"], ["100.00", "0.00"]),
        ([0, 0], ["0.00", "0.00"]),
        ([5], ["100.00"]),
        ([], []),
    ],
)
def test_what_rounding_leaves_goes_to_the_largest_remainders(amounts: list[Any], shares: list[str]) -> None:
    assert [f"{share:.2f}" for share in percentages([Decimal(amount) for amount in amounts])] == shares


def rows(answer: dict[str, Any]) -> list[tuple[object, ...]]:
    return [
        (
            item["category"] and item["category"]["name"],
            item["type"],
            item["amount"],
            item["count"],
            item["share"],
        )
        for item in answer["items"]
    ]


@pytest.fixture
async def some(add: Add, alice: httpx.AsyncClient) -> None:
    """Entries of two months, of three categories and of none."""
    food, snack, coffee = [category["id"] for category in (await alice.get("/categories")).json()[:3]]
    await add(amount="100", category_id=food)
    await add(amount="200.01", category_id=food, date="2026-01-31")
    await add(amount="50", category_id=snack, status="scheduled")
    await add(amount="650")
    await add(amount="3000", type="income", date="2026-01-01")
    await add(amount="7", type="income", category_id=snack)
    await add(amount="99999", category_id=coffee, date="2026-02-01")


async def test_categories_of_a_month_stand_by_amount_with_their_share(
    alice: httpx.AsyncClient, some: None
) -> None:
    answer = (await alice.get("/stats/category?year=2026&month=1")).json()
    assert (answer["income"], answer["expense"]) == ("3007.00", "1000.01")
    assert rows(answer) == [
        (None, "income", "3000.00", 1, "99.77"),
        (None, "expense", "650.00", 1, "65.00"),
        ("식비", "expense", "300.01", 2, "30.00"),
        ("간식류", "expense", "50.00", 1, "5.00"),
        ("간식류", "income", "7.00", 1, "0.23"),
    ]


async def test_a_type_and_a_status_narrow(alice: httpx.AsyncClient, some: None) -> None:
    query = "year=2026&month=1&type=expense&status=confirmed"
    answer = (await alice.get(f"/stats/category?{query}")).json()
    assert (answer["income"], answer["expense"]) == ("0.00", "950.01")
    assert rows(answer) == [
        (None, "expense", "650.00", 1, "68.42"),
        ("식비", "expense", "300.01", 2, "31.58"),
    ]


async def test_a_year_and_all_time_are_periods_too(alice: httpx.AsyncClient, some: None) -> None:
    for query in ("year=2026", ""):
        answer = (await alice.get(f"/stats/category?type=expense&{query}")).json()
        assert rows(answer)[0] == ("카페", "expense", "99999.00", 1, "99.01")


async def test_an_empty_period_has_no_rows(alice: httpx.AsyncClient, some: None) -> None:
    answer = (await alice.get("/stats/category?year=2025")).json()
    assert answer == {"income": "0.00", "expense": "0.00", "items": []}


async def test_entries_of_nothing_have_no_share(add: Add, alice: httpx.AsyncClient) -> None:
    await add(amount="0")
    assert rows((await alice.get("/stats/category")).json()) == [(None, "expense", "0.00", 1, "0.00")]


async def test_a_renamed_category_is_shown_at_once(add: Add, alice: httpx.AsyncClient) -> None:
    category = (await alice.post("/categories", json={"name": "고양이"})).json()["id"]
    await add(category_id=category)
    assert rows((await alice.get("/stats/category")).json())[0][0] == "고양이"
    await alice.put(f"/categories/{category}", json={"name": "강아지"})
    assert rows((await alice.get("/stats/category")).json())[0][0] == "강아지"


async def test_a_second_look_asks_only_for_the_revision(
    alice: httpx.AsyncClient, some: None, statements: list[str]
) -> None:
    first = (await alice.get("/stats/category")).json()
    statements.clear()
    assert (await alice.get("/stats/category")).json() == first
    assert not [statement for statement in statements if "sum(" in statement]


async def test_one_users_shares_are_never_anothers(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient, some: None
) -> None:
    assert (await alice.get("/stats/category")).json()["items"]
    assert (await bob.get("/stats/category")).json()["items"] == []


@pytest.mark.parametrize("query", ["type=x", "status=x", "month=1", "year=1", "year=2026&month=13"])
async def test_a_query_that_cannot_be_is_refused(alice: httpx.AsyncClient, query: str) -> None:
    response = await alice.get(f"/stats/category?{query}")
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1001")
