"""The queue itself: connections, takeovers, what is forgotten."""

from __future__ import annotations

import asyncio
import time
import uuid

import pytest
from procrastinate.jobs import Job
from sqlalchemy import text

from app import contract
from app.core import schedules
from app.core.context import Context
from app.core.jobs.models import BatchStatus
from app.core.jobs.queue import Backoff, connection_options
from app.core.jobs.schemas import BatchQuery
from app.core.jobs.service import Batches
from tests.app.jobs.conftest import Ended, Said, scalar
from tests.app.jobs.kinds import NOTE


@pytest.mark.unit
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (
            "postgresql+asyncpg://u:p%40ss@h:6543/d?ssl=require&prepared_statement_cache_size=0",
            {"host": "h", "port": 6543, "user": "u", "password": "p@ss", "dbname": "d", "sslmode": "require"},
        ),
        (
            "postgresql://u@/d?host=/run/postgresql&sslmode=disable",
            {"host": "/run/postgresql", "sslmode": "disable"},
        ),
        ("postgres://h/d?sslrootcert=/ca.pem", {"host": "h", "sslrootcert": "/ca.pem"}),
    ],
)
def test_an_address_of_any_driver_gives_libpqs_options(address: str, expected: dict[str, object]) -> None:
    options = connection_options(address)
    assert expected.items() <= options.items()
    assert "prepared_statement_cache_size" not in options
    assert options["application_name"] == "slipway-service-jobs"


@pytest.mark.unit
def test_waits_grow_and_end_and_a_stopped_replica_costs_none() -> None:
    def wait(attempts: int, error: BaseException) -> float | None:
        job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=attempts)
        decision = Backoff().get_retry_decision(exception=error, job=job)
        at = decision.retry_at if decision else None
        return round(at.timestamp() - time.time()) if at else None

    assert [wait(attempts, ValueError()) for attempts in (0, 1, 4, 9, 20)] == [2, 4, 32, 60, None]
    assert wait(20, asyncio.CancelledError()) == 0


@pytest.mark.integration
async def test_a_replica_keeps_to_its_connections(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended
) -> None:
    context.jobs.start()
    most = 0
    count = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'slipway-service-jobs'"
    for job in [
        await batches.submit(owner, NOTE.name, [{"number": n} for n in range(300)]) for _ in range(3)
    ]:
        while (await batches.get(job.job_id)).finished_at is None:
            most = max(most, await scalar(context, count))
    assert 2 <= most <= contract.JOB_CONNECTIONS


@pytest.mark.integration
async def test_a_job_of_a_replica_without_a_sign_of_life_is_taken_over(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, said: Said
) -> None:
    job = await batches.submit(owner, NOTE.name, [{"number": 1}])
    async with context.database.transaction() as session:
        dead = "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '6 s')"
        worker = await session.scalar(text(f"{dead} RETURNING id"))
        stalled = text("UPDATE procrastinate_jobs SET status = 'doing', worker_id = :id")
        await session.execute(stalled, {"id": worker})
    context.jobs.start()
    assert (await ended(job.job_id)).status == BatchStatus.COMPLETED
    assert [line["task"] for line in said("job taken over")] == ["batch"]
    assert await scalar(context, "SELECT min(id) FROM procrastinate_workers") > (worker or 0)


@pytest.mark.integration
async def test_a_batch_that_ends_every_replica_is_given_up(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended
) -> None:
    job = await batches.submit(owner, NOTE.name, [{"number": 1}])
    async with context.database.transaction() as session:
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing', attempts = 20"))
    context.jobs.start()
    done = await ended(job.job_id)
    assert (done.status, done.error) == (
        BatchStatus.FAILED,
        "Its replicas ended 20 times while they worked on it",
    )


@pytest.mark.integration
async def test_a_batch_that_the_queue_has_lost_is_mended(
    context: Context, owner: uuid.UUID, batches: Batches, ended: Ended, said: Said
) -> None:
    job = await batches.submit(owner, NOTE.name, [{"number": 1}])
    async with context.database.transaction() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    context.jobs.start()
    assert (await ended(job.job_id)).status == BatchStatus.COMPLETED
    assert said("batch job had no chunk") != []


@pytest.mark.integration
async def test_old_batches_and_failed_rows_of_the_queue_are_forgotten(
    context: Context, owner: uuid.UUID, batches: Batches
) -> None:
    keys = [(await batches.submit(owner, NOTE.name, [{"number": 1}])).job_id for _ in range(3)]
    for key in keys[:2]:
        await batches.cancel(key)
    async with context.database.transaction() as session:
        for statement in (
            "UPDATE batch_jobs SET finished_at = now() - interval '31 days' WHERE created_at ="
            " (SELECT min(created_at) FROM batch_jobs)",
            "UPDATE procrastinate_jobs SET status = 'failed' WHERE id <= 2",
            "UPDATE procrastinate_events SET at = now() - interval '8 days' WHERE job_id IN (1, 3)",
        ):
            await session.execute(text(statement))
    await schedules.JOBS_RETENTION.run(context)
    assert {job.job_id for job in (await batches.page(BatchQuery())).items} == set(keys[1:])
    assert await scalar(context, "SELECT sum(id) FROM procrastinate_jobs") == 2 + 3
    assert await scalar(context, "SELECT count(*) FROM batch_items") == 2


@pytest.mark.integration
async def test_nothing_is_started_where_a_replica_is_not_to_work(context: Context) -> None:
    context.settings = context.settings.model_copy(update={"job_concurrency": 0})
    context.jobs.start()
    await context.jobs.stop()
    assert await scalar(context, "SELECT count(*) FROM procrastinate_workers") == 0
