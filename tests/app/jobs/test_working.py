"""A worker at batch jobs, in this process: results, failures, pauses, and what is the database's fault."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import select

from app.core.context import Context
from app.core.jobs import chunks, tasks
from app.core.jobs.kinds import Item
from app.core.jobs.models import BatchStatus, ItemStatus
from app.core.jobs.schemas import ResultsQuery
from app.core.jobs.service import Batches
from app.core.monitoring.models import Event
from tests.app.jobs.conftest import Ended, Said, Until, scalar
from tests.app.jobs.kinds import NOTE, equip
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration
CHUNKS = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'batch'"


def effects(postgres: Postgres, database: str) -> list[int]:
    """The numbers that items have written, in order."""
    found = postgres.sql("SELECT number FROM effects ORDER BY number", database=database)
    return [int(line) for line in found.splitlines()]


def numbers(count: int, **more: object) -> list[Item]:
    return [{"number": number, **more} for number in range(count)]


async def test_every_item_has_its_effect_and_its_result_once(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, postgres: Postgres, jobs_database: str
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, numbers(123))
    assert (job.status, job.progress_percent, job.statistics.success_rate) == (BatchStatus.PENDING, 0, None)
    done = await ended(job.job_id)
    assert (done.status, done.processed_items, done.failed_items) == (BatchStatus.COMPLETED, 123, 0)
    assert (done.progress_percent, done.statistics.success_rate) == (100, 1)
    assert done.timing.eta_seconds is None
    assert effects(postgres, jobs_database) == list(range(123))
    results = await batches.results(job.job_id, ResultsQuery(page_size=1000))
    assert [(row.position, row.result) for row in results.items] == [
        (n, {"doubled": n * 2}) for n in range(123)
    ]
    figures = context.metrics.render()[0].decode()
    assert 'batch_items_total{kind="test.note",outcome="completed"} 123.0' in figures


@pytest.mark.parametrize(
    ("then", "code", "message"),
    [
        ("conflict", "ERR_1003", "The number is taken"),
        ("bug", "ERR_1000", "An unexpected error occurred"),
        ("duplicate", "ERR_1000", "An unexpected error occurred"),
        ("nul", "ERR_1000", "An unexpected error occurred"),
        ("large", "ERR_1000", "An unexpected error occurred"),
    ],
)
async def test_a_failed_item_leaves_no_effect_and_says_why(
    context: Context,
    owner: uuid.UUID,
    batches: Batches,
    ended: Ended,
    postgres: Postgres,
    jobs_database: str,
    said: Said,
    then: str,
    code: str,
    message: str,
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, [{"number": 1}, {"number": 2, "then": then}, {"number": 3}])
    done = await ended(job.job_id)
    assert (done.status, done.processed_items, done.failed_items) == (BatchStatus.COMPLETED, 3, 1)
    assert done.statistics.success_rate == 0.6667
    assert effects(postgres, jobs_database) == [1, 3]
    failed = (await batches.results(job.job_id, ResultsQuery(only_failed=True))).items
    assert [(row.position, row.status, row.result) for row in failed] == [(1, ItemStatus.FAILED, None)]
    error = failed[0].error
    assert error is not None
    assert (error.error_code, error.message) == (code, message)
    assert [line["trace_id"] for line in said("batch item failed")] == [error.trace_id]
    assert len(error.trace_id) == 32
    await context.events.flush()
    stored = [code, "batch:test.note"] if code == "ERR_1000" else []
    async with context.database.reading() as session:
        rows = await session.execute(select(Event).where(Event.trace_id == error.trace_id))
        assert [part for row in rows.scalars() for part in (row.error_code, row.route)] == stored


async def test_a_job_without_any_success_has_failed(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, numbers(2, then="bug"))
    done = await ended(job.job_id)
    assert (done.status, done.failed_items, done.statistics.success_rate) == (BatchStatus.FAILED, 2, 0)
    assert done.error is None


@pytest.mark.parametrize("then", [None, "slow_statements"])
async def test_an_item_that_takes_too_long_fails_and_the_others_go_on(
    context: Context,
    owner: uuid.UUID,
    batches: Batches,
    ended: Ended,
    postgres: Postgres,
    jobs_database: str,
    monkeypatch: pytest.MonkeyPatch,
    then: str | None,
) -> None:
    monkeypatch.setattr(chunks, "ITEM_SECONDS", 3.0)  # much more than the other one takes
    context.jobs.start()
    endless: Item = {"number": 1, "then": then} if then else {"number": 1, "seconds": 60}
    job = await batches.submit(owner, NOTE.name, [endless, {"number": 2}])
    done = await ended(job.job_id)
    assert (done.status, done.failed_items) == (BatchStatus.COMPLETED, 1)
    failed = (await batches.results(job.job_id, ResultsQuery(only_failed=True))).items[0]
    assert failed.error is not None
    assert failed.error.message == "The item took longer than 3 seconds"
    assert effects(postgres, jobs_database) == [2]


async def test_an_item_whose_connection_is_lost_is_done_again_and_only_once(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, postgres: Postgres, jobs_database: str
) -> None:
    context.jobs.start()
    items = [*numbers(3), {"number": 3, "then": "lose_the_connection"}, {"number": 4}]
    done = await ended((await batches.submit(owner, NOTE.name, items)).job_id)
    assert (done.status, done.failed_items) == (BatchStatus.COMPLETED, 0)
    assert effects(postgres, jobs_database) == [0, 1, 2, 3, 4]


async def test_a_pause_takes_effect_between_items_and_its_time_is_not_counted(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, until: Until
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, numbers(60, seconds=0.05))

    async def has_begun() -> bool:
        return (await batches.get(job.job_id)).processed_items >= 8

    await until(has_begun, "items are worked on")
    running = await batches.get(job.job_id)
    assert running.status == BatchStatus.RUNNING
    assert running.timing.eta_seconds is not None
    paused = await batches.pause(job.job_id)
    assert (paused.status, paused.timing.eta_formatted, paused.version) == (BatchStatus.PAUSED, None, 3)

    async def is_quiet() -> bool:
        return await scalar(context, CHUNKS) == 0

    await until(is_quiet, "the chunks end")
    still = await batches.get(job.job_id)
    assert still.processed_items <= paused.processed_items + context.settings.job_concurrency
    assert still.timing.elapsed_seconds == paused.timing.elapsed_seconds
    assert (await batches.resume(job.job_id)).status == BatchStatus.RUNNING
    assert (await ended(job.job_id)).processed_items == 60


async def test_a_cancelled_job_keeps_what_is_done_and_begins_no_other_item(
    context: Context,
    owner: uuid.UUID,
    batches: Batches,
    until: Until,
    postgres: Postgres,
    jobs_database: str,
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, numbers(200, seconds=0.05))

    async def has_begun() -> bool:
        return (await batches.get(job.job_id)).processed_items > 0

    await until(has_begun, "items are worked on")
    assert (await batches.cancel(job.job_id)).finished_at is not None

    async def is_quiet() -> bool:
        return await scalar(context, CHUNKS) == 0

    await until(is_quiet, "the chunks end")
    left = await batches.get(job.job_id)
    assert left.status == BatchStatus.CANCELLED
    assert left.processed_items < 200
    assert len(effects(postgres, jobs_database)) == left.processed_items
    results = await batches.results(job.job_id, ResultsQuery())
    assert results.total == left.processed_items


async def test_a_chunk_gives_way_after_its_turn_and_the_job_still_ends(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK_SECONDS", 0.0)
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, numbers(20, seconds=0.01))
    assert (await ended(job.job_id)).processed_items == 20


async def test_a_kind_that_no_version_has_any_more_fails_the_job_in_words(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "KIND_ATTEMPTS", 1)
    job = await batches.submit(owner, NOTE.name, numbers(3))
    equip(context, kinds=())
    context.jobs.start()
    done = await ended(job.job_id)
    assert (done.status, done.error) == (BatchStatus.FAILED, "The service has no batch kind 'test.note'")
    assert done.processed_items == 0


async def test_a_kind_that_another_version_has_waits_for_it(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, until: Until
) -> None:
    job = await batches.submit(owner, NOTE.name, numbers(3))
    old = context.jobs
    equip(context, kinds=())
    context.jobs.start()

    async def was_tried() -> bool:
        return await scalar(context, "SELECT max(attempts) FROM procrastinate_jobs") > 0

    await until(was_tried, "the worker without the kind tries")
    await context.jobs.stop()
    context.jobs = old
    context.jobs.start()
    assert (await ended(job.job_id)).status == BatchStatus.COMPLETED


async def test_a_chunk_that_always_breaks_fails_the_job_in_the_end(
    context: Context,
    owner: uuid.UUID,
    batches: Batches,
    ended: Ended,
    monkeypatch: pytest.MonkeyPatch,
    postgres: Postgres,
    jobs_database: str,
) -> None:
    monkeypatch.setattr(tasks, "MOST_ATTEMPTS", 0)
    postgres.sql("ALTER TABLE batch_items ADD CHECK (finished_at IS NULL)", database=jobs_database)
    context.jobs.start()
    done = await ended((await batches.submit(owner, NOTE.name, numbers(1))).job_id)
    assert (done.status, done.error) == (
        BatchStatus.FAILED,
        "Gave up after 0 attempts; the log has the reason",
    )
    assert effects(postgres, jobs_database) == []
