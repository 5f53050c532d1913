"""Assets: what all entries up to a day add up to, and the same month by month."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.ledger.months import month_of, plus, today

pytestmark = pytest.mark.integration
Add = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
async def some(add: Add) -> None:
    """Earnings and costs of three months, some of them planned."""
    await add(date="2025-12-31", type="income", amount="1000.10")
    await add(date="2026-01-01", amount="0.20")
    await add(date="2026-01-31", amount="100", status="scheduled")
    await add(date="2026-03-01", amount="2000")


async def test_assets_are_everything_up_to_the_end_of_the_day(alice: httpx.AsyncClient, some: None) -> None:
    found = {}
    for day in ("2025-12-30", "2025-12-31", "2026-01-01", "2026-01-31", "2026-03-01"):
        answer = (await alice.get("/stats/assets", params={"day": day})).json()
        assert answer["day"] == day
        found[day] = (answer["confirmed"], answer["expected"])
    assert found == {
        "2025-12-30": ("0.00", "0.00"),
        "2025-12-31": ("1000.10", "1000.10"),
        "2026-01-01": ("999.90", "999.90"),
        "2026-01-31": ("999.90", "899.90"),
        "2026-03-01": ("-1000.10", "-1100.10"),
    }


async def test_the_series_has_the_balance_at_each_months_end(alice: httpx.AsyncClient, some: None) -> None:
    answer = (await alice.get("/stats/assets?from=2025-11&to=2026-04")).json()
    assert [tuple(month.values()) for month in answer["months"]] == [
        ("0.00", "0.00", "2025-11"),
        ("1000.10", "1000.10", "2025-12"),
        ("999.90", "899.90", "2026-01"),
        ("999.90", "899.90", "2026-02"),
        ("-1000.10", "-1100.10", "2026-03"),
        ("-1000.10", "-1100.10", "2026-04"),
    ]


async def test_a_series_begins_with_what_was_there_before(alice: httpx.AsyncClient, some: None) -> None:
    answer = (await alice.get("/stats/assets?from=2026-02&to=2026-02")).json()
    assert answer["months"] == [{"confirmed": "999.90", "expected": "899.90", "month": "2026-02"}]


async def test_without_a_period_the_series_is_the_year_up_to_the_day(
    alice: httpx.AsyncClient, some: None
) -> None:
    answer = (await alice.get("/stats/assets?day=2026-03-15")).json()
    months = [month["month"] for month in answer["months"]]
    assert (len(months), months[0], months[-1]) == (12, "2025-04", "2026-03")


async def test_without_a_day_it_is_today(alice: httpx.AsyncClient, add: Add) -> None:
    before = today("Asia/Seoul")
    await add(date=str(before - timedelta(days=1)), type="income", amount="5")
    await add(date=str(before + timedelta(days=2)), type="income", amount="7")
    answer = (await alice.get("/stats/assets")).json()
    assert answer["day"] in {str(before), str(today("Asia/Seoul"))}
    assert answer["confirmed"] == "5.00"
    last = answer["months"][-1]["month"]
    assert last in {f"{month_of(day):%Y-%m}" for day in (before, today("Asia/Seoul"))}


async def test_a_write_is_seen_at_once(alice: httpx.AsyncClient, add: Add, some: None) -> None:
    path = "/stats/assets?day=2026-03-01"
    assert (await alice.get(path)).json()["confirmed"] == "-1000.10"
    await add(date="2026-03-01", type="income", amount="1000.10")
    assert (await alice.get(path)).json()["confirmed"] == "0.00"


async def test_the_largest_amounts_lose_no_digit(alice: httpx.AsyncClient, add: Add) -> None:
    for _ in range(3):
        await add(type="income", amount="9999999999999.99")
    answer = (await alice.get("/stats/assets?day=2026-03-01")).json()
    assert answer["confirmed"] == "29999999999999.97"


async def test_ten_years_are_the_longest_series(alice: httpx.AsyncClient) -> None:
    first = plus(month_of(today("Asia/Seoul")), -119)
    whole = (await alice.get("/stats/assets?from=2016-01&to=2025-12")).json()
    assert len(whole["months"]) == 120
    for query in (
        "from=2016-01&to=2026-01",
        "from=2026-02&to=2026-01",
        "from=2999-12",
        f"from={plus(first, -2):%Y-%m}",
    ):
        response = await alice.get(f"/stats/assets?{query}")
        problem = {"field": "query.from", "problem": "must not be after to, nor 120 months or more before it"}
        assert (response.status_code, response.json()["details"]["problems"]) == (422, [problem])


@pytest.mark.parametrize("query", ["day=2026-02-30", "from=2026-13", "to=x", "colour=red", "day=2999-12-32"])
async def test_a_query_that_cannot_be_is_refused(alice: httpx.AsyncClient, query: str) -> None:
    response = await alice.get(f"/stats/assets?{query}")
    assert response.status_code == 422
    assert response.json()["details"]["problems"][0]["field"] == f"query.{query.split('=')[0]}"


@pytest.mark.parametrize(
    "query", ["day=1900-01-01", "day=2999-12-31", "to=1900-01", "from=1900-01&to=1900-01"]
)
async def test_the_first_and_the_last_day_are_days_too(alice: httpx.AsyncClient, query: str) -> None:
    answer = (await alice.get(f"/stats/assets?{query}")).json()
    assert {(month["confirmed"], month["expected"]) for month in answer["months"]} == {("0.00", "0.00")}


async def test_one_users_assets_are_never_anothers(
    alice: httpx.AsyncClient, bob: httpx.AsyncClient, some: None
) -> None:
    path = "/stats/assets?day=2026-01-01"
    assert (await alice.get(path)).json()["confirmed"] == "999.90"
    assert (await bob.get(path)).json()["confirmed"] == "0.00"
