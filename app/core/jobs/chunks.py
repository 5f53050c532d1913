"""How a batch job is worked on. A chunk is one job of the queue: a turn at the next items of a batch. Every
item is locked, worked on and stored in one transaction, so that any number of chunks on any replicas share a
batch, and what a killed replica had begun is undone and free at once."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, func, select, text, update
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Context
from app.core.database import sqlstate
from app.core.errors import AppError, DatabaseAwayError, PoolExhaustedError
from app.core.jobs.kinds import BatchKind, Item
from app.core.jobs.models import ACTIVE, FINAL, BatchItem, BatchJob, BatchStatus, ItemStatus
from app.core.jobs.tracing import record, trace_id
from app.core.jobs.values import storable
from app.core.logs import logger

CHUNK_ITEMS = 50
CHUNK_SECONDS = 10.0  # then other batches have their turn; shorter than a replica's grace at its end
ITEM_SECONDS = 50.0  # below the service role's idle_in_transaction_session_timeout of 60 s
MAX_RESULT_BYTES = 16_384
QUEUE = "jobs"
TASK = "batch"
# The transaction is over or will not succeed, whatever the item is: SQLSTATE classes and codes.
TRANSIENT = ("08", "40", "53", "55P03", "57P", "25006")
DEFER = text(
    "SELECT procrastinate_defer_jobs_v1(ARRAY("
    " SELECT ROW(CAST(:queue AS varchar), CAST(:task AS varchar), 0, NULL, NULL,"
    " jsonb_build_object('batch_id', CAST(:batch_id AS text)), NULL)::procrastinate_job_to_defer_v1"
    " FROM generate_series(1, :chunks)))"
)
WITHOUT_CHUNK = text(
    "SELECT id FROM batch_jobs WHERE status IN ('pending', 'running') AND NOT EXISTS ("
    " SELECT 1 FROM procrastinate_jobs chunk WHERE chunk.task_name = 'batch'"
    " AND chunk.status IN ('todo', 'doing') AND chunk.args ->> 'batch_id' = batch_jobs.id::text)"
)
log = logger(__name__)


class UnknownKindError(Exception):
    """This version of the service does not have the kind; another one, old or new, may."""


@dataclass(frozen=True)
class Claimed:
    """An item that this transaction has locked."""

    job_id: uuid.UUID
    position: int
    owner: uuid.UUID
    kind: str
    item: Item


class LateError(AppError):
    """An item took too long. A statement under way was cut off, and its connection with it, so that the
    failure is stored in a transaction of its own."""

    def __init__(self, claimed: Claimed) -> None:
        super().__init__(f"The item took longer than {ITEM_SECONDS:.0f} seconds")
        self.claimed = claimed


@dataclass(frozen=True)
class Outcome:
    """What became of an item; exactly one of the two is set."""

    result: dict[str, Any] | None = None
    error: dict[str, str] | None = None


async def enqueue(session: AsyncSession, job_id: uuid.UUID, chunks: int) -> None:
    """Gives the queue so many chunks of the batch, in the caller's transaction: both or neither."""
    await session.execute(DEFER, {"queue": QUEUE, "task": TASK, "batch_id": str(job_id), "chunks": chunks})


class Chunks:
    """Works on batches for one replica. ``stopping`` says that the replica is about to end."""

    def __init__(
        self, context: Context, kinds: Mapping[str, BatchKind], stopping: Callable[[], bool]
    ) -> None:
        self._context = context
        self._database = context.database
        self._kinds = kinds
        self._stopping = stopping

    async def work(self, job_id: uuid.UUID) -> None:
        """One chunk: until nothing is left to take, the job no longer runs, or the turn is over. Raises
        UnknownKindError, and what the database raises."""
        if not await self._begin(job_id):
            return
        end = time.monotonic() + CHUNK_SECONDS
        for _ in range(CHUNK_ITEMS):
            if self._stopping():
                break
            if not await self._work_one(job_id):
                return
            if time.monotonic() > end:
                break
        async with self._database.transaction() as session:
            await enqueue(session, job_id, 1)

    async def give_up(self, job_id: uuid.UUID, reason: str) -> None:
        """Ends the job as failed, with a reason for people."""
        async with self._database.transaction() as session:
            ended = update(BatchJob).where(BatchJob.id == job_id, BatchJob.status.in_(ACTIVE))
            await session.execute(ended.values(status=BatchStatus.FAILED, error=reason, **_end_values()))
        log.error("batch job given up", job_id=str(job_id), reason=reason)

    async def mend(self) -> None:
        """Gives the queue a chunk of every open job that it has none of: the last one may have ended while a
        replica that had died was still holding an item."""
        async with self._database.transaction() as session:
            for job_id in await session.scalars(WITHOUT_CHUNK):
                log.warning("batch job had no chunk", job_id=str(job_id))
                await enqueue(session, job_id, 1)

    async def _begin(self, job_id: uuid.UUID) -> bool:
        """False where there is nothing to do."""
        async with self._database.transaction() as session:
            found = (
                await session.execute(select(BatchJob.kind, BatchJob.status).where(BatchJob.id == job_id))
            ).one_or_none()
            if found is None or found.status not in ACTIVE:
                return False
            if found.kind not in self._kinds:
                raise UnknownKindError(found.kind)
            now = func.clock_timestamp()
            waiting = update(BatchJob).where(BatchJob.id == job_id, BatchJob.status == BatchStatus.PENDING)
            await session.execute(
                waiting.values(
                    status=BatchStatus.RUNNING,
                    started_at=func.coalesce(BatchJob.started_at, now),
                    running_since=now,
                    version=BatchJob.version + 1,
                )
            )
        return True

    async def _work_one(self, job_id: uuid.UUID) -> bool:
        """False where no item is free, or the job does not run."""
        try:
            async with self._database.transaction() as session:
                claimed = await claim(session, job_id)
                if claimed is None:
                    return False
                outcome = await self._attempt(session, claimed)
                await store(session, claimed, outcome)
        except LateError as late:
            await self._fail(late)
        else:
            self._context.metrics.batch_item(claimed.kind, "failed" if outcome.error else "completed")
        return True

    async def _fail(self, late: LateError) -> None:
        """Notes the failure, unless another chunk has taken the item meanwhile."""
        async with self._database.transaction() as session:
            claimed = await claim(session, late.claimed.job_id, late.claimed.position)
            if claimed is None:
                return
            await store(session, claimed, Outcome(error=self._failure(claimed, late)))
        self._context.metrics.batch_item(claimed.kind, "failed")

    async def _attempt(self, session: AsyncSession, claimed: Claimed) -> Outcome:
        """The savepoint undoes what a failed item has written; its lock stays until the failure is stored."""
        kind = self._kinds[claimed.kind]
        limit = asyncio.timeout(ITEM_SECONDS)
        try:
            async with limit, session.begin_nested():
                result = await kind.work(self._context, session, claimed.owner, claimed.item)
                if storable(result) > MAX_RESULT_BYTES:
                    raise ValueError(f"the result is larger than {MAX_RESULT_BYTES} bytes")  # noqa: TRY301
        except Exception as error:
            if limit.expired():
                raise LateError(claimed) from error
            if is_transient(error):
                raise
            return Outcome(error=self._failure(claimed, error))
        return Outcome(result=result)

    def _failure(self, claimed: Claimed, error: Exception) -> dict[str, str]:
        """What people see of the error; unknown ones only by their trace id."""
        where = {"job_id": str(claimed.job_id), "position": claimed.position, "kind": claimed.kind}
        known = error if isinstance(error, AppError) else None
        code, message = (known.code, known.text) if known else (AppError.code, AppError.message)
        if known:
            log.warning("batch item failed", error_code=code, **where)
        else:
            log.error("batch item failed", error_code=code, **where, exc_info=error)
            record(self._context, f"batch:{claimed.kind}", error)
        return {"error_code": code, "message": message, "trace_id": trace_id()}


async def claim(session: AsyncSession, job_id: uuid.UUID, position: int | None = None) -> Claimed | None:
    """Locks the next item that nobody works on, or the one at ``position``; None where none is free or the
    job does not run. The lock ends with the transaction, also when the replica is killed."""
    columns = (BatchItem.position, BatchJob.user_id, BatchJob.kind, BatchItem.item)
    free = (
        select(*columns)
        .join(BatchJob)
        .where(
            BatchItem.job_id == job_id,
            BatchItem.status == ItemStatus.PENDING,
            BatchJob.status == BatchStatus.RUNNING,
            *([] if position is None else [BatchItem.position == position]),
        )
        .order_by(BatchItem.position)
        .limit(1)
        .with_for_update(of=BatchItem, skip_locked=True)
    )
    row = (await session.execute(free)).one_or_none()
    return Claimed(job_id, *row) if row else None


async def store(session: AsyncSession, claimed: Claimed, outcome: Outcome) -> None:
    """The item's end and the job's counts. The job's row comes last: others wait for its lock."""
    failed = 1 if outcome.error else 0
    mine = (BatchItem.job_id == claimed.job_id, BatchItem.position == claimed.position)
    await session.execute(
        update(BatchItem)
        .where(*mine)
        .values(
            status=ItemStatus.FAILED if failed else ItemStatus.COMPLETED,
            result=outcome.result,
            error=outcome.error,
            finished_at=func.clock_timestamp(),
        )
    )
    counts = {
        "processed_items": BatchJob.processed_items + 1,
        "failed_items": BatchJob.failed_items + failed,
    }
    job = update(BatchJob).where(BatchJob.id == claimed.job_id)
    left = await session.execute(
        job.values(counts).returning(BatchJob.total_items - BatchJob.processed_items)
    )
    if left.scalar() == 0:
        all_failed = BatchJob.failed_items == BatchJob.total_items
        status = case((all_failed, BatchStatus.FAILED.value), else_=BatchStatus.COMPLETED.value)
        open_job = job.where(BatchJob.status.not_in(FINAL))
        await session.execute(open_job.values(status=status, **_end_values()))


def is_transient(error: BaseException) -> bool:
    """Whether the database, and not the item, is the reason: then the item is tried again later."""
    if isinstance(error, DatabaseAwayError | PoolExhaustedError | InterfaceError):
        return True
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    return lost or (isinstance(error, DBAPIError) and (sqlstate(error) or "").startswith(TRANSIENT))


def _end_values() -> dict[str, Any]:
    return {
        "finished_at": func.clock_timestamp(),
        "ran_seconds": BatchJob.elapsed_seconds,
        "running_since": None,
        "version": BatchJob.version + 1,
    }
