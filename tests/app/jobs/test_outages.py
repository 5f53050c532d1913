"""The worker while the database is away, hangs, lags behind or forgets what a replica did."""

from __future__ import annotations

import asyncio
import signal
import time
import uuid
from collections.abc import Callable

import pytest
from asyncpg.exceptions import DeadlockDetectedError, UniqueViolationError
from procrastinate.jobs import Job
from procrastinate.jobs import Status as QueueStatus
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app import contract
from app.core.context import Context
from app.core.errors import DatabaseAwayError, PoolExhaustedError
from app.core.jobs import runner
from app.core.jobs.chunks import is_transient
from app.core.jobs.models import BatchStatus
from app.core.jobs.queue import make_app
from app.core.jobs.runner import Jobs
from app.core.jobs.service import Batches
from app.main import make_context
from tests.app.conftest import make_settings, run_migrations
from tests.app.jobs.conftest import Ended, Said, Until, scalar
from tests.app.jobs.kinds import EVERY_SECOND, NOTE, equip
from tests.app.servers import Postgres, RedisServer

pytestmark = pytest.mark.integration
NAP = 0.05  # seconds


async def begun(batches: Batches, key: uuid.UUID) -> bool:
    """Whether some item is done."""
    return (await batches.get(key)).processed_items > 0


@pytest.mark.own_servers
@pytest.mark.slow
async def test_a_batch_outlives_the_databases_restart_and_the_outage_is_said_once(
    context: Context,
    owner: uuid.UUID,
    batches: Batches,
    ended: Ended,
    until: Until,
    said: Said,
    postgres: Postgres,
    jobs_database: str,
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, [{"number": n, "seconds": 0.02} for n in range(100)])
    await until(lambda: begun(batches, job.job_id), "items are worked on")
    await asyncio.to_thread(postgres.stop, signal.SIGQUIT)
    try:

        async def was_noted() -> bool:
            return said("job queue away") != []

        await until(was_noted, "the outage is noted")
        attempts = runner.RETRY_SECONDS * 2
        end = time.monotonic() + attempts
        while time.monotonic() < end:
            assert len(said("job queue away")) == 1
            await asyncio.sleep(0.1)
    finally:
        await asyncio.to_thread(postgres.start)
    done = await ended(job.job_id)
    assert (done.status, done.processed_items, done.failed_items) == (BatchStatus.COMPLETED, 100, 0)
    numbers = postgres.sql("SELECT count(*), count(DISTINCT number) FROM effects", database=jobs_database)
    assert numbers == "100|100"
    assert len(said("job queue back")) == 1
    assert not [line for line in said("") if line["module"].startswith(("procrastinate", "psycopg"))]


def lateness(done: Callable[[], bool]) -> float:
    """By how many seconds a thread of its own was woken too late: that is the machine's doing."""
    late = 0.0
    while not done():
        before = time.monotonic()
        time.sleep(NAP)
        late = max(late, time.monotonic() - before - NAP)
    return late


@pytest.mark.own_servers
@pytest.mark.slow
async def test_a_database_that_hangs_keeps_neither_the_loop_nor_the_end_of_the_replica(
    context: Context, owner: uuid.UUID, batches: Batches, until: Until, postgres: Postgres
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, [{"number": n, "seconds": 0.02} for n in range(500)])
    await until(lambda: begun(batches, job.job_id), "items are worked on")
    postgres.send(signal.SIGSTOP)
    try:
        stopping = asyncio.create_task(context.jobs.stop())
        thread = asyncio.create_task(asyncio.to_thread(lateness, stopping.done))
        late = 0.0
        begin = time.monotonic()
        while not stopping.done():
            before = time.monotonic()
            await asyncio.sleep(NAP)
            late = max(late, time.monotonic() - before - NAP)
        assert time.monotonic() - begin < contract.GRACEFUL_SECONDS + 2 * runner.END_SECONDS + 5
        assert late < 1.0 + 3 * await thread
    finally:
        postgres.send(signal.SIGCONT)


async def test_the_worker_waits_for_the_migrations(
    postgres: Postgres, redis: RedisServer, fresh_database: str, until: Until
) -> None:
    owner = postgres.address("owner", fresh_database)
    await asyncio.to_thread(run_migrations, owner, "0004")
    context = make_context(make_settings(postgres.address("service", fresh_database), redis.address), {})
    context.jobs = Jobs(context, (), ())
    context.jobs.start()

    async def registered() -> bool:
        async with context.database.reading() as session:
            return bool(await session.scalar(text("SELECT count(*) FROM procrastinate_workers")))

    try:
        await asyncio.to_thread(run_migrations, owner)
        await until(registered, "the worker begins")
    finally:
        await context.jobs.stop()
        await context.close()


async def test_a_worker_that_was_taken_for_dead_registers_again(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, until: Until
) -> None:
    context.jobs.start()

    async def registered() -> bool:
        async with context.database.reading() as session:
            return bool(await session.scalar(text("SELECT count(*) FROM procrastinate_workers")))

    await until(registered, "the worker begins")
    async with context.database.transaction() as session:
        await session.execute(text("DELETE FROM procrastinate_workers"))
    job = await batches.submit(owner, NOTE.name, [{"number": 1}])
    assert (await ended(job.job_id)).status == BatchStatus.COMPLETED


async def test_a_job_whose_end_could_not_be_noted_ends_the_worker_and_is_done_again(
    context: Context, until: Until, said: Said, postgres: Postgres, jobs_database: str
) -> None:
    context.jobs = Jobs(context, (), (EVERY_SECOND,))
    postgres.sql(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF (SELECT count(*) FROM ticks) > 0 THEN RAISE SQLSTATE '53100'; END IF; RETURN OLD; END $$",
        "CREATE TRIGGER refuse BEFORE DELETE ON procrastinate_jobs FOR EACH ROW EXECUTE FUNCTION refuse()",
        database=jobs_database,
    )
    context.jobs.start()

    async def was_noted() -> bool:
        return said("job's end not noted") != []

    await until(was_noted, "the end is not noted")
    # In a thread: it waits for the worker's transaction, and that one for this loop.
    await asyncio.to_thread(postgres.sql, "DROP TRIGGER refuse ON procrastinate_jobs", database=jobs_database)

    async def goes_on() -> bool:
        async with context.database.reading() as session:
            left = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' AND worker_id IS NULL"
            ticks = await session.scalar(text("SELECT count(*) FROM ticks"))
            return not await session.scalar(text(left)) and (ticks or 0) >= 3

    await until(goes_on, "the schedule goes on")
    assert "DiskFull" in said("job's end not noted")[0]["reason"]


async def test_an_unforeseen_error_of_the_worker_is_logged_and_it_goes_on(
    context: Context, until: Until, said: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(runner, "make_app", lambda *_, **__: 1 / 0)
    context.jobs.start()

    async def was_said() -> bool:
        return len(said("job worker failed")) >= 2

    await until(was_said, "two attempts")
    assert "ZeroDivisionError" in said("job worker failed")[0]["exception"]


async def test_stopping_twice_or_before_the_start_is_harmless(context: Context) -> None:
    await context.jobs.stop()
    context.jobs.start()
    await context.jobs.stop()
    await context.jobs.stop()


async def test_a_replica_that_leaves_gives_its_chunks_back(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, until: Until
) -> None:
    context.jobs.start()
    job = await batches.submit(owner, NOTE.name, [{"number": n, "seconds": 0.05} for n in range(60)])
    await until(lambda: begun(batches, job.job_id), "items are worked on")
    await context.jobs.stop()
    waiting = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL"
    assert await scalar(context, waiting) == 2
    assert await scalar(context, "SELECT count(*) FROM procrastinate_workers") == 0
    equip(context)
    context.jobs.start()
    assert (await ended(job.job_id)).processed_items == 60


async def test_an_item_longer_than_the_grace_is_cut_off_and_given_back(
    context: Context,
    owner: uuid.UUID,
    batches: Batches,
    until: Until,
    said: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contract, "GRACEFUL_SECONDS", 0.2)
    context.jobs.start()
    await batches.submit(owner, NOTE.name, [{"number": 1, "seconds": 40}])

    async def is_running() -> bool:
        return await scalar(context, "SELECT count(*) FROM batch_jobs WHERE status = 'running'") == 1

    await until(is_running, "the item is under way")
    await context.jobs.stop()
    assert [line["task"] for line in said("job given back")] == ["batch"]
    waiting = "SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at <= now()"
    assert await scalar(context, waiting) == 1
    assert await scalar(context, "SELECT count(*) FROM effects") == 0


async def test_the_end_of_a_job_that_is_somebody_elses_by_now_is_no_reason_to_stop(
    context: Context, said: Said
) -> None:
    app = make_app(context.settings.database_url.get_secret_value(), on_lost=lambda: pytest.fail("stopped"))
    gone = Job(id=1, queue="jobs", lock=None, queueing_lock=None, task_name="batch")
    async with app.open_async():
        await app.job_manager.finish_job(gone, QueueStatus.SUCCEEDED, delete_job=True)
        await app.job_manager.retry_job(gone)
    assert [line["reason"] for line in said("job's end not noted")] == ["RaiseException"] * 2


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (DatabaseAwayError(), True),
        (PoolExhaustedError(), True),
        (DBAPIError("", None, BaseException(), connection_invalidated=True), True),
        (DBAPIError("", None, DeadlockDetectedError("")), True),
        (DBAPIError("", None, UniqueViolationError("")), False),
        (ConnectionError(), False),
        (ValueError(), False),
    ],
)
def test_only_what_the_database_is_to_blame_for_is_tried_again(error: Exception, transient: bool) -> None:
    assert is_transient(error) is transient
