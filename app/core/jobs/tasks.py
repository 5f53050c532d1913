"""The queue's three tasks: a chunk of a batch, a slot of a schedule, and the sweep behind lost replicas."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Mapping

from procrastinate import App, JobContext

from app.core.context import Context
from app.core.jobs import chunks
from app.core.jobs.chunks import Chunks, UnknownKindError
from app.core.jobs.kinds import Schedule
from app.core.jobs.queue import MOST_ATTEMPTS, Backoff
from app.core.logs import logger

KIND_ATTEMPTS = 6  # two minutes: during an update another version may have the kind
SCHEDULE_SECONDS = 900.0  # a run that hangs would hold up its schedule for ever
SWEEP_CRON = "* * * * * */10"  # croniter's sixth field: every ten seconds
SWEEP_PRIORITY = 10
SCHEDULE_PRIORITY = 5
log = logger(__name__)


class UnknownScheduleError(Exception):
    """This version of the service does not have the schedule; another one, old or new, may."""


def register(app: App, context: Context, work: Chunks, schedules: Mapping[str, Schedule]) -> None:
    """Tells the App what its jobs mean."""
    _batch(app, work)
    _schedules(app, context, schedules)
    _sweep(app, context, work)


def _batch(app: App, work: Chunks) -> None:
    @app.task(name=chunks.TASK, queue=chunks.QUEUE, retry=Backoff(), pass_context=True)
    async def batch(job: JobContext, batch_id: str) -> None:
        key = uuid.UUID(batch_id)
        try:
            await work.work(key)
        except UnknownKindError as error:
            if job.job.attempts < KIND_ATTEMPTS:
                raise
            await work.give_up(key, f"The service has no batch kind {str(error)!r}")
        except Exception:
            if job.job.attempts >= MOST_ATTEMPTS:
                await work.give_up(key, f"Gave up after {MOST_ATTEMPTS} attempts; the log has the reason")
            raise


def _schedules(app: App, context: Context, schedules: Mapping[str, Schedule]) -> None:
    @app.task(name="schedule", queue=chunks.QUEUE, retry=Backoff())
    async def run(name: str, timestamp: int) -> None:
        schedule = schedules.get(name)
        if schedule is None:
            raise UnknownScheduleError(name)
        async with asyncio.timeout(SCHEDULE_SECONDS):
            await schedule.run(context)
        log.info("schedule done", schedule=name, slot=timestamp)

    for name, schedule in schedules.items():
        app.periodic(
            cron=schedule.cron(context),
            periodic_id=name,
            task_kwargs={"name": name},
            priority=SCHEDULE_PRIORITY,
            lock=name,  # never beside itself
            queueing_lock=name,  # one run waiting is enough
        )(run)  # type: ignore[arg-type]  # it takes the slot by its name


def _sweep(app: App, context: Context, work: Chunks) -> None:
    """The sweep has no ``lock``: a replica killed while sweeping would keep it for ever."""

    @app.periodic(cron=SWEEP_CRON, priority=SWEEP_PRIORITY)
    @app.task(name="sweep", queue=chunks.QUEUE, queueing_lock="sweep")
    async def sweep(timestamp: int) -> None:  # noqa: ARG001  (the slot, which procrastinate gives)
        seconds = context.settings.job_stalled_seconds
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=seconds):
            log.warning("job taken over", task=job.task_name, queue_id=job.id, attempt=job.attempts + 1)
            if job.task_name == chunks.TASK and job.attempts >= MOST_ATTEMPTS:
                reason = f"Its replicas ended {MOST_ATTEMPTS} times while they worked on it"
                await work.give_up(uuid.UUID(str(job.task_kwargs["batch_id"])), reason)
            await app.job_manager.retry_job(job)
        await app.job_manager.prune_stalled_workers(seconds)
        await work.mend()
