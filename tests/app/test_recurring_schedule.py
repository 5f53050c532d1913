"""The schedule that makes due entries for everybody: once each, in the ledger's day, one user at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from app import ledger
from app.core.context import Context
from app.core.errors import DatabaseAwayError
from app.ledger.generation import generate_due
from app.ledger.settings import LedgerSettings
from app.settings import Settings, read
from tests.app.conftest import make_settings, run_migrations
from tests.app.servers import Postgres, RedisServer
from tests.app.test_recurring import add_template, put

pytestmark = pytest.mark.integration
NOON = datetime(2026, 3, 31, 3, tzinfo=UTC)  # of 31 March in Seoul
# A stand-in for whatever may be wrong with one user's rows; the function's argument is the SQLSTATE.
SPOIL = """
CREATE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.description = 'spoilt' THEN
    RAISE EXCEPTION 'Failing row contains (alice, 010-1234-5678)' USING ERRCODE = TG_ARGV[0];
  END IF; RETURN NEW; END $$
"""


@pytest.fixture
def settings(postgres: Postgres, redis: RedisServer, fresh_database: str) -> Settings:
    """A database of its own: the schedule works for everybody in it."""
    run_migrations(postgres.address("owner", fresh_database))
    return make_settings(postgres.address("service", fresh_database), redis.address)


@pytest.fixture
def spoil(postgres: Postgres, fresh_database: str) -> Callable[[str], None]:
    """``spoil("22023")``: entries that are called "spoilt" fail with this SQLSTATE."""

    def make(state: str) -> None:
        trigger = "CREATE TRIGGER spoil BEFORE INSERT ON transactions FOR EACH ROW"
        postgres.sql(SPOIL, f"{trigger} EXECUTE FUNCTION spoil('{state}')", database=fresh_database)

    return make


async def days(client: httpx.AsyncClient) -> list[str]:
    """The days of all the user's entries, the newest first."""
    return [entry["date"] for entry in (await client.get("/transactions?page_size=1000")).json()["items"]]


def said(caplog: pytest.LogCaptureFixture, event: str) -> list[dict[str, Any]]:
    """The log lines of one event."""
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict)]
    return [line for line in lines if line["event"] == event]


async def test_everybodys_due_entries_are_made_up_to_today(
    context: Context, alice: httpx.AsyncClient, bob: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    await add_template(alice, start_date="2026-02", day_of_month=30)
    await add_template(alice, start_date="2026-03", day_of_month=31)
    await add_template(bob, start_date="2026-01", day_of_month=1)
    await add_template(bob, start_date="2026-04", day_of_month=1)
    await add_template(bob, start_date="2025-01", is_active=False)
    await add_template(bob, start_date="2025-01", end_date="2025-01")
    await generate_due(context, NOON)
    assert await days(alice) == ["2026-03-31", "2026-03-30", "2026-02-28"]
    assert await days(bob) == ["2026-03-01", "2026-02-01", "2026-01-01", "2025-01-31"]
    assert all(entry["status"] == "scheduled" for entry in (await bob.get("/transactions")).json()["items"])
    (line,) = said(caplog, "entries generated")
    assert (line["day"], line["users"], line["entries"], line["failed_users"]) == ("2026-03-31", 2, 7, 0)


async def test_a_second_run_makes_nothing_and_touches_no_book(
    context: Context, alice: httpx.AsyncClient, statements: list[str]
) -> None:
    await add_template(alice)
    await generate_due(context, NOON)
    statements.clear()
    await generate_due(context, NOON)
    assert len(await days(alice)) == 3
    assert not [text for text in statements if text.startswith(("INSERT", "UPDATE"))]


async def test_four_runs_at_once_make_each_entry_once(
    context: Context, alice: httpx.AsyncClient, bob: httpx.AsyncClient
) -> None:
    for client in (alice, bob):
        await add_template(client, start_date="2020-01")
    await asyncio.gather(*(generate_due(context, NOON) for _ in range(4)))
    for client in (alice, bob):
        found = await days(client)
        assert len(found) == len(set(found)) == 75


async def test_more_than_ten_years_are_made_in_one_run(context: Context, alice: httpx.AsyncClient) -> None:
    await add_template(alice, start_date="2010-01")
    await generate_due(context, NOON)
    assert (await alice.get("/transactions")).json()["total"] == 195


async def test_one_users_failure_stops_nobody_else_and_tells_nothing_personal(
    context: Context,
    alice: httpx.AsyncClient,
    bob: httpx.AsyncClient,
    spoil: Callable[[str], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    spoil("22023")
    spoilt = await add_template(alice, description="spoilt")
    await add_template(bob)
    await generate_due(context, NOON)
    assert (await days(alice), len(await days(bob))) == ([], 3)
    (failed,) = said(caplog, "generation failed")
    assert (failed["reason"], failed["sqlstate"]) == ("DBAPIError", "22023")
    assert "010-1234-5678" not in caplog.text
    await put(alice, spoilt)
    await generate_due(context, NOON)
    assert len(await days(alice)) == 3


async def test_a_database_that_is_away_ends_the_run(
    context: Context, alice: httpx.AsyncClient, spoil: Callable[[str], None]
) -> None:
    spoil("57P01")
    await add_template(alice, description="spoilt")
    with pytest.raises(DatabaseAwayError):
        await generate_due(context, NOON)


async def test_a_template_that_is_removed_meanwhile_is_passed_over(
    context: Context, alice: httpx.AsyncClient
) -> None:
    from app.ledger.generation import generate_for, templates_due

    template = await add_template(alice)
    async with context.database.transaction() as session:
        found = await templates_due(session, NOON.date())
    await alice.delete(f"/recurring/{template['id']}")
    ((user, keys),) = found.items()
    assert await generate_for(context.database, user, keys, NOON.date()) == 0


async def test_the_module_names_the_schedule_and_its_times(context: Context) -> None:
    (schedule,) = ledger.MODULE.schedules
    assert (schedule.name, schedule.cron(context)) == ("ledger.generate", "5 * * * *")


async def test_the_schedule_runs_for_the_present_day(context: Context, alice: httpx.AsyncClient) -> None:
    await add_template(alice, start_date="2026-01", day_of_month=1)
    await ledger.MODULE.schedules[0].run(context)
    assert (await days(alice))[-1] == "2026-01-01"


@pytest.mark.unit
@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("LEDGER_GENERATE_CRON", "hourly", "is no cron expression of five fields"),
        ("LEDGER_GENERATE_CRON", "61 * * * *", "is no cron expression of five fields"),
        ("LEDGER_GENERATE_CRON", "* * * * * *", "is no cron expression of five fields"),
        ("LEDGER_TIME_ZONE", "Seoul", "is no time zone of the IANA data base"),
        ("LEDGER_TIME_ZONE", "../etc/passwd", "is no time zone of the IANA data base"),
        ("LEDGER_TIME_ZONE", "America", "is no time zone of the IANA data base"),
        ("LEDGER_SUMMARY_TTL_SECONDS", "0", "input should be greater than or equal to 1"),
    ],
)
def test_a_setting_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, what: str
) -> None:
    monkeypatch.setenv(name, value)
    settings, problems = read(LedgerSettings)
    assert settings is None
    assert [(problem.where, problem.what) for problem in problems] == [(name, what)]
