"""The queue: procrastinate on the service's own database, with tasks that every version of the service knows.
What a task means by name (a batch's kind, a schedule) is looked up when it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from procrastinate import App, BaseRetryStrategy, PsycopgConnector, RetryDecision
from procrastinate.exceptions import ConnectorException, UniqueViolation
from procrastinate.jobs import Job
from procrastinate.jobs import Status as QueueStatus
from procrastinate.manager import JobManager
from psycopg import pq
from psycopg.errors import RaiseException
from sqlalchemy.engine import make_url

from app import contract
from app.core.database import CONNECT_SECONDS, STATEMENT_MILLISECONDS
from app.core.logs import logger

LISTEN_CONNECTIONS = 1
POOL_TIMEOUT = 5.0
DEAD_MILLISECONDS = 15_000  # an unanswered packet for so long ends a connection; a partition says nothing
MOST_ATTEMPTS = 20  # with the waits below more than a quarter of an hour
LONGEST_WAIT = 60  # seconds between two attempts
CATCH_UP_SECONDS = 3600.0  # a slot missed longer ago is left to the next one
LIBPQ = frozenset(option.keyword.decode() for option in pq.Conninfo.get_defaults())
log = logger(__name__)


def connection_options(address: str) -> dict[str, Any]:
    """libpq's parameters for DATABASE_URL, whichever driver it names; asyncpg's ``ssl`` becomes ``sslmode``,
    and what only asyncpg knows is left out."""
    url = make_url(address)
    query = {"sslmode" if name == "ssl" else name: value for name, value in url.query.items()}
    given = {"host": url.host, "port": url.port, "user": url.username, "dbname": url.database}
    return {
        **{name: value for name, value in query.items() if name in LIBPQ},
        **{name: value for name, value in given.items() if value is not None},
        "password": url.password,
        "application_name": f"{contract.SERVICE}-jobs",
        "connect_timeout": int(CONNECT_SECONDS),
        "tcp_user_timeout": DEAD_MILLISECONDS,
        "options": f"-c statement_timeout={STATEMENT_MILLISECONDS} -c timezone=UTC",
    }


class Backoff(BaseRetryStrategy):
    """2, 4, 8 … 60 seconds; at once where the replica only ended; after MOST_ATTEMPTS never."""

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        """None: the job has failed for good."""
        if isinstance(exception, asyncio.CancelledError):
            return RetryDecision(retry_in={"seconds": 0})
        if job.attempts >= MOST_ATTEMPTS:
            return None
        return RetryDecision(retry_in={"seconds": min(2 ** (job.attempts + 1), LONGEST_WAIT)})


class Manager(JobManager):
    """Says when the end of a job could not be noted: the job would be "doing" for as long as its worker
    lives, so that the worker has to go. ``on_lost`` is called then."""

    def __init__(self, connector: PsycopgConnector, on_lost: Callable[[], None]) -> None:
        super().__init__(connector)
        self._on_lost = on_lost

    async def finish_job(self, job: Job, status: QueueStatus, delete_job: bool) -> None:
        """As procrastinate's, but raises nothing."""
        try:
            await super().finish_job(job, status, delete_job)
        except ConnectorException as error:
            self._lost(job, error)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """As procrastinate's, but raises nothing. Where the same schedule waits already, this run is over."""
        try:
            await super().retry_job(job, retry_at, priority, queue, lock)
        except UniqueViolation:
            await self.finish_job(job, QueueStatus.FAILED, delete_job=True)
        except ConnectorException as error:
            self._lost(job, error)

    def _lost(self, job: Job, error: ConnectorException) -> None:
        reason = type(error.__cause__).__name__
        log.warning("job's end not noted", task=job.task_name, queue_id=job.id, reason=reason)
        if not isinstance(error.__cause__, RaiseException):  # raised where the job is somebody else's by now
            self._on_lost()


def make_app(address: str, on_lost: Callable[[], None]) -> App:
    """An App of its own for each time the database is connected to: a pool that was closed stays so."""
    connector = PsycopgConnector(
        conninfo="",
        kwargs=connection_options(address),
        min_size=1,
        max_size=contract.JOB_CONNECTIONS - LISTEN_CONNECTIONS,
        timeout=POOL_TIMEOUT,
        name="jobs",
    )
    app = App(connector=connector, periodic_defaults={"max_delay": CATCH_UP_SECONDS})
    app.job_manager = Manager(connector, on_lost)
    return app
