"""Whose midnight ends a day: the ledger's time zone, also where clocks change, and never the server's."""

from __future__ import annotations

from datetime import UTC, date, datetime

import httpx
import pytest

from app.core.context import Context
from app.ledger.generation import generate_due
from app.ledger.months import day_in, distance, last_day, plus, today
from app.ledger.settings import LedgerSettings
from app.settings import Settings
from tests.app import test_recurring_schedule as schedule
from tests.app.conftest import make_settings, run_migrations
from tests.app.servers import Postgres, RedisServer
from tests.app.test_recurring import add_template

pytestmark = pytest.mark.integration
SECOND_BEFORE_AND_AFTER = [  # the day in the zone, a second before a midnight and at it
    ("Asia/Seoul", "2026-01-31T14:59:59", "2026-01-31"),
    ("Asia/Seoul", "2026-01-31T15:00:00", "2026-02-01"),
    ("UTC", "2026-01-31T23:59:59", "2026-01-31"),
    ("UTC", "2026-02-01T00:00:00", "2026-02-01"),
    ("America/New_York", "2026-03-08T04:59:59", "2026-03-07"),  # winter: five hours behind
    ("America/New_York", "2026-03-08T05:00:00", "2026-03-08"),
    ("America/New_York", "2026-03-09T03:59:59", "2026-03-08"),  # a day of 23 hours
    ("America/New_York", "2026-03-09T04:00:00", "2026-03-09"),
    ("America/New_York", "2026-11-01T04:00:00", "2026-11-01"),
    ("America/New_York", "2026-11-02T04:59:59", "2026-11-01"),  # a day of 25 hours
    ("America/New_York", "2026-11-02T05:00:00", "2026-11-02"),
    ("America/Sao_Paulo", "2018-11-04T02:59:59", "2018-11-03"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00", "2018-11-04"),  # begins at one: there is no midnight
    ("Pacific/Apia", "2011-12-30T09:59:59", "2011-12-29"),
    ("Pacific/Apia", "2011-12-30T10:00:00", "2011-12-31"),  # 30 December never was
    ("Asia/Kathmandu", "2026-01-31T18:15:00", "2026-02-01"),  # 5:45 ahead
    ("Pacific/Kiritimati", "2026-01-31T10:00:00", "2026-02-01"),  # 14 hours ahead
]


@pytest.fixture
def settings(postgres: Postgres, redis: RedisServer, fresh_database: str) -> Settings:
    """A database of its own: the schedule works for everybody in it."""
    run_migrations(postgres.address("owner", fresh_database))
    return make_settings(postgres.address("service", fresh_database), redis.address)


@pytest.mark.unit
@pytest.mark.parametrize(("zone", "moment", "day"), SECOND_BEFORE_AND_AFTER)
def test_a_day_ends_at_its_zones_midnight(zone: str, moment: str, day: str) -> None:
    assert str(today(zone, datetime.fromisoformat(moment).replace(tzinfo=UTC))) == day


@pytest.mark.parametrize(
    ("zone", "day_of_month", "before", "after"),
    [
        ("Asia/Seoul", 1, "2026-01-31T14:59:59", "2026-01-31T15:00:00"),
        ("UTC", 1, "2026-01-31T23:59:59", "2026-02-01T00:00:00"),
        ("America/New_York", 9, "2026-03-09T03:59:59", "2026-03-09T04:00:00"),
        ("America/New_York", 2, "2026-11-02T04:59:59", "2026-11-02T05:00:00"),
    ],
)
async def test_the_schedule_makes_an_entry_at_the_zones_midnight_and_not_before(
    context: Context,
    alice: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    zone: str,
    day_of_month: int,
    before: str,
    after: str,
) -> None:
    monkeypatch.setenv("LEDGER_TIME_ZONE", zone)
    context.modules["ledger"] = LedgerSettings()
    moments = [datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (before, after, after)]
    due = today(zone, moments[1])
    await add_template(alice, start_date=f"{due:%Y-%m}", day_of_month=day_of_month)
    found = []
    for moment in moments:
        await generate_due(context, moment)
        found.append(await schedule.days(alice))
    assert found == [[], [str(due)], [str(due)]]


async def test_a_server_in_another_zone_changes_nothing(
    context: Context, alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    await add_template(alice, start_date="2026-02", day_of_month=1)
    await generate_due(context, datetime(2026, 1, 31, 14, 59, 59, tzinfo=UTC))
    assert await schedule.days(alice) == []


async def test_times_of_rows_are_told_in_utc(alice: httpx.AsyncClient) -> None:
    before = datetime.now(UTC)
    template = await add_template(alice)
    created = datetime.fromisoformat(template["created_at"])
    assert created.utcoffset() is not None
    assert abs((created - before).total_seconds()) < 60
    assert template["created_at"].endswith("Z")


@pytest.mark.unit
def test_months_are_counted_over_years() -> None:
    december = date(2025, 12, 1)
    assert [plus(december, n) for n in (-12, -11, 0, 1, 13)] == [
        date(2024, 12, 1),
        date(2025, 1, 1),
        december,
        date(2026, 1, 1),
        date(2027, 1, 1),
    ]
    assert [distance(december, plus(december, n)) for n in (-13, 0, 25)] == [-13, 0, 25]


@pytest.mark.unit
def test_a_day_that_a_month_has_not_is_its_last() -> None:
    assert [day_in(date(year, 2, 1), 30).day for year in (1900, 2000, 2024, 2026, 2100)] == [
        28,
        29,
        29,
        28,
        28,
    ]
    assert last_day(date(2026, 4, 1)) == date(2026, 4, 30)
