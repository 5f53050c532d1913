"""The queue's worker inside the service's own process: it comes and goes with the database and the drain."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta

from procrastinate import App
from procrastinate.exceptions import ConnectorException
from procrastinate.worker import Worker
from psycopg import Error as DriverError
from sqlalchemy import delete, func, text
from sqlalchemy.exc import SQLAlchemyError

from app import contract
from app.core.context import Context
from app.core.health import schema_problems
from app.core.jobs import tasks
from app.core.jobs.chunks import QUEUE, Chunks
from app.core.jobs.kinds import BatchKind, Schedule
from app.core.jobs.models import BatchJob
from app.core.jobs.queue import make_app
from app.core.jobs.tracing import traced
from app.core.logs import logger

POLL_SECONDS = 1.0  # a job given back is no new row, and only new rows are notified
RETRY_SECONDS = 2.0
END_SECONDS = 3.0  # beyond the jobs' grace, for what a hanging database leaves behind
BATCH_DAYS = 30  # finished batch jobs are kept so long
FAILED_HOURS = 24 * 7  # rows of the queue that failed for good, for whoever looks into it
log = logger(__name__)


class Jobs:
    """One replica's share of the work. Nothing here raises into the service: without a database it waits."""

    def __init__(self, context: Context, kinds: Iterable[BatchKind], schedules: Iterable[Schedule]) -> None:
        self.kinds = {kind.name: kind for kind in kinds}
        self._context = context
        self._schedules = {schedule.name: schedule for schedule in schedules}
        self._leaving = asyncio.Event()
        self._chunks = Chunks(context, self.kinds, self._leaving.is_set)
        self._task: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._away = False
        self._end = 0.0  # on the monotonic clock

    def start(self) -> None:
        """Begins to work, or to wait for the database and its schema. JOB_CONCURRENCY=0: does nothing."""
        if self._context.settings.job_concurrency and self._task is None:
            self._task = asyncio.create_task(self._run(), name="job queue")

    def leave(self) -> None:
        """Takes nothing new from now on; what runs has GRACEFUL_SECONDS, and is given back then."""
        if not self._leaving.is_set():
            self._leaving.set()
            self._end = time.monotonic() + contract.GRACEFUL_SECONDS

    async def stop(self) -> None:
        """Returns when the worker has ended: GRACEFUL_SECONDS after ``leave`` and a little at most."""
        self.leave()
        if self._task is None:
            return
        if self._worker is None:
            self._task.cancel()
        await asyncio.wait({self._task}, timeout=max(0.0, self._end - time.monotonic()) + END_SECONDS)
        if not self._task.done():
            log.warning("job worker did not end in time")
            self._task.cancel()
            await asyncio.wait({self._task}, timeout=END_SECONDS)
        self._task = None

    async def forget_old(self) -> None:
        """Removes finished batch jobs and the queue's failed rows of long ago."""
        async with self._context.database.transaction() as session:
            old = BatchJob.finished_at < func.now() - timedelta(days=BATCH_DAYS)
            await session.execute(delete(BatchJob).where(old))
            await session.execute(text(OLD_ROWS), {"hours": FAILED_HOURS})

    async def _run(self) -> None:
        while not self._leaving.is_set():
            try:
                if await self._schema_is_there():
                    await self._work()
            except (ConnectorException, DriverError, SQLAlchemyError, OSError) as error:
                self._note_away(type(error.__cause__ or error).__name__)
            except Exception:
                log.exception("job worker failed")
            await self._pause(RETRY_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311  (no secret)

    async def _schema_is_there(self) -> bool:
        """The same condition as readiness."""
        problems = schema_problems(await self._context.database.revision())
        if problems:
            self._note_away(problems[0])
        return not problems

    async def _work(self) -> None:
        """Works until the replica leaves or the database goes."""
        address = self._context.settings.database_url.get_secret_value()
        app = make_app(address, on_lost=self._stop_worker)
        tasks.register(app, self._context, self._chunks, self._schedules)
        try:
            async with app.open_async():
                if self._away:
                    log.info("job queue back")
                    self._away = False
                await self._run_worker(app)
        finally:
            self._worker = None
            await app.close_async()

    async def _run_worker(self, app: App) -> None:
        """procrastinate ends the heartbeat before the last jobs; here it goes on until they are done."""
        stalled = self._context.settings.job_stalled_seconds
        worker = self._worker = Worker(
            app,
            queues=[QUEUE],
            name=contract.SERVICE,
            concurrency=self._context.settings.job_concurrency,
            fetch_job_polling_interval=POLL_SECONDS,
            shutdown_graceful_timeout=contract.GRACEFUL_SECONDS,
            delete_jobs="successful",
            install_signal_handlers=False,
            update_heartbeat_interval=stalled / 3,
            stalled_worker_timeout=stalled,
            worker_middleware=[traced(self._context)],
        )
        running = asyncio.create_task(worker.run(), name="job worker")  # type: ignore[no-untyped-call]
        leaving = asyncio.create_task(self._leaving.wait())
        try:
            await asyncio.wait({running, leaving}, return_when=asyncio.FIRST_COMPLETED)
            worker.stop()  # type: ignore[no-untyped-call]
            while not (await asyncio.wait({running}, timeout=stalled / 3))[0]:
                with suppress(ConnectorException):  # the database is away: nobody can take the jobs over
                    if worker.worker_id is not None:
                        await app.job_manager.update_heartbeat(worker.worker_id)
            await running
        finally:
            leaving.cancel()
            running.cancel()

    def _stop_worker(self) -> None:
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]

    def _note_away(self, reason: str) -> None:
        """Once per outage."""
        if not self._away:
            log.warning("job queue away", reason=reason)
        self._away = True

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._leaving.wait(), seconds)


OLD_ROWS = """
DELETE FROM procrastinate_jobs job WHERE job.status NOT IN ('todo', 'doing')
  AND NOT EXISTS (SELECT 1 FROM procrastinate_events event WHERE event.job_id = job.id
    AND event.at > now() - make_interval(hours => CAST(:hours AS integer)))
"""
