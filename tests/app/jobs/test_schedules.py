"""Schedules: each slot once, in UTC, made up for within reason, tried again with a trace."""

from __future__ import annotations

import asyncio
import time

import pytest
from sqlalchemy import text

from app.core import schedules
from app.core.context import Context
from app.core.jobs import queue
from app.core.jobs.kinds import Schedule
from app.core.jobs.queue import make_app
from app.core.jobs.runner import Jobs
from app.core.module import Module
from app.ledger.settings import LedgerSettings
from tests.app.jobs.conftest import Said, Until, scalar
from tests.app.jobs.kinds import EVERY_SECOND, equip, ticking
from tests.app.servers import Postgres

NEVER = Schedule("never", lambda _: "0 0 29 2 *", lambda _: asyncio.sleep(0))


@pytest.mark.unit
def test_every_schedule_has_a_name_of_its_own() -> None:
    module = Module("m", (), LedgerSettings, schedules=(NEVER, EVERY_SECOND))
    assert schedules.collect([module])[-2:] == (NEVER, EVERY_SECOND)
    with pytest.raises(ValueError, match="more than one schedule is called 'never'"):
        schedules.collect([module, Module("n", (), LedgerSettings, schedules=(NEVER,))])


@pytest.mark.integration
async def test_a_slot_runs_once_among_two_schedulers(
    context: Context, until: Until, postgres: Postgres, jobs_database: str
) -> None:
    both = [Jobs(context, (), (EVERY_SECOND,)) for _ in range(2)]
    for jobs in both:
        jobs.start()

    async def has_run() -> bool:
        return await scalar(context, "SELECT count(*) FROM ticks") >= 5

    await until(has_run, "five runs")
    for jobs in both:
        await jobs.stop()
    seconds = postgres.sql(
        "SELECT count(*), count(DISTINCT date_trunc('second', at)) FROM ticks", database=jobs_database
    )
    runs, distinct = map(int, seconds.split("|"))
    assert distinct >= runs - 1  # one that was late may share its second with the next


@pytest.mark.integration
async def test_a_slot_missed_during_an_outage_of_less_than_an_hour_is_made_up_once(
    context: Context, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.gmtime(time.time() - 120)
    schedule = ticking("hourly", f"{now.tm_min} {now.tm_hour} * * *")
    for _ in range(2):
        equip(context, schedules=(schedule,))
        context.jobs.start()

        async def has_run() -> bool:
            return await scalar(context, "SELECT count(*) FROM ticks") == 1

        await until(has_run, "the slot is made up")
        await context.jobs.stop()
    monkeypatch.setattr(queue, "CATCH_UP_SECONDS", 60.0)
    equip(context, schedules=(ticking("late", schedule.cron(context)),))
    context.jobs.start()

    begun = int(time.time())

    async def was_asked() -> bool:  # the sweep's slots are looked at last
        return await scalar(context, "SELECT max(defer_timestamp) FROM procrastinate_periodic_defers") > begun

    await until(was_asked, "the scheduler has looked at its slots")
    assert await scalar(context, "SELECT count(*) FROM ticks WHERE name = 'late'") == 0


@pytest.mark.integration
async def test_cron_is_read_in_utc_wherever_the_replica_stands(
    context: Context, until: Until, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")  # five hours and three quarters ahead
    time.tzset()
    try:
        before = time.gmtime(time.time() - 120)
        equip(context, schedules=(ticking("daily", f"{before.tm_min} {before.tm_hour} * * *"),))
        context.jobs.start()

        async def has_run() -> bool:
            return await scalar(context, "SELECT count(*) FROM ticks") == 1

        await until(has_run, "the slot of two minutes ago, by UTC")
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.integration
async def test_a_failed_run_is_tried_again_and_logged_with_a_trace_id(
    context: Context, until: Until, said: Said
) -> None:
    now = time.gmtime(time.time() - 60)
    equip(context, schedules=(ticking("flaky", f"{now.tm_min} {now.tm_hour} * * *", failures=1),))
    context.jobs.start()

    async def has_run() -> bool:
        return await scalar(context, "SELECT count(*) FROM ticks") == 2 and said("schedule done") != []

    await until(has_run, "the second attempt")
    failed = said("job failed")
    assert [(line["task"], line["attempt"], line["last"]) for line in failed] == [("schedule", 1, False)]
    assert len(failed[0]["trace_id"]) == 32
    assert "not yet" in failed[0]["exception"]


@pytest.mark.integration
async def test_a_schedule_that_only_another_version_has_is_left_to_it(
    context: Context, until: Until, said: Said
) -> None:
    async with context.database.transaction() as session:
        await session.execute(
            text(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
                """ VALUES ('jobs', 'schedule', '{"name": "new", "timestamp": 1}')"""
            )
        )
    context.jobs.start()

    async def was_tried() -> bool:
        tried = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND attempts = 1"
        return await scalar(context, tried) == 1

    await until(was_tried, "the replica hands it back")
    assert "UnknownScheduleError" in said("job failed")[0]["exception"]


@pytest.mark.integration
async def test_a_slow_schedule_is_neither_run_beside_itself_nor_piled_up(
    context: Context, until: Until, postgres: Postgres, jobs_database: str
) -> None:
    equip(context, schedules=(ticking("slow", "* * * * * *", seconds=2.5),))
    context.jobs.start()

    async def has_run() -> bool:
        return await scalar(context, "SELECT count(*) FROM ticks") >= 3

    await until(has_run, "three runs")
    gaps = postgres.sql(
        "SELECT min(gap) FROM"
        " (SELECT extract(epoch FROM at - lag(at) OVER (ORDER BY at)) AS gap FROM ticks) gaps",
        database=jobs_database,
    )
    assert float(gaps) >= 2.5
    waiting = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'schedule' AND status = 'todo'"
    assert await scalar(context, waiting) <= 1


@pytest.mark.integration
async def test_a_run_that_failed_gives_way_to_the_slot_that_waits_already(context: Context) -> None:
    app = make_app(context.settings.database_url.get_secret_value(), on_lost=lambda: pytest.fail("lost"))
    async with app.open_async():
        row = text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, status)"
            " VALUES ('jobs', 'schedule', 'x', 'x', CAST(:status AS procrastinate_job_status))"
        )
        async with context.database.transaction() as session:
            for status in ("doing", "todo"):
                await session.execute(row, {"status": status})
        running = next(iter(await app.job_manager.list_jobs_async(status="doing")))
        await app.job_manager.retry_job(running)
        left = [job.status for job in await app.job_manager.list_jobs_async()]
    assert left == ["todo"]
