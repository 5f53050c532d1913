"""Every job of the queue has a trace id: its errors are found by it in the log and among the events, and its
span where tracing is on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from app.core.context import Context
from app.core.errors import AppError
from app.core.jobs.queue import MOST_ATTEMPTS
from app.core.logs import logger
from app.core.monitoring.trace import new_id

log = logger(__name__)


def trace_id() -> str:
    """The running job's, empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("trace_id", ""))


def record(context: Context, where: str, error: Exception) -> None:
    """Makes an unknown error an event; ``where`` stands in the place of a request's route."""
    scope = {"method": "", "route": SimpleNamespace(path=where), "state": {"trace_id": trace_id()}}
    context.events.record(scope, AppError.code, AppError.message, error)


def traced(context: Context) -> Callable[..., Awaitable[Any]]:
    """procrastinate's middleware around every job: an error is logged whether it is tried again or not."""

    async def run(call: Callable[[], Awaitable[Any]], run_of: JobContext, _: Worker) -> Any:
        job = run_of.job
        structlog.contextvars.clear_contextvars()
        with spanned(context, job) as trace:
            structlog.contextvars.bind_contextvars(trace_id=trace, queue_id=job.id)
            try:
                return await call()
            except asyncio.CancelledError:
                log.info("job given back", task=job.task_name)
                raise
            except Exception as error:
                last = job.attempts >= MOST_ATTEMPTS
                log.exception("job failed", task=job.task_name, attempt=job.attempts + 1, last=last)
                record(context, f"job:{job.task_name}", error)
                raise

    return run


@contextmanager
def spanned(context: Context, job: Job) -> Iterator[str]:
    """The job's trace id, and its span around the block where tracing is on. It begins a trace: the request
    that deferred the job could only be named among the job's arguments, which every version must know."""
    span = context.tracing.job(job.task_name) if context.tracing else None
    if span is None:
        yield new_id(16)
        return
    failure: BaseException | None = None
    try:
        with span.current():
            yield span.trace.trace_id
    except BaseException as error:
        failure = error
        raise
    finally:
        span.worked(job.queue, failure)
