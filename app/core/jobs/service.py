"""Batch jobs for the modules that submit them and for the people who watch them (C5)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import func, insert

from app.core.context import Context
from app.core.errors import InvalidRequestError, NotFoundError
from app.core.jobs.chunks import CHUNK_ITEMS, enqueue
from app.core.jobs.errors import JobStatusError
from app.core.jobs.kinds import Item
from app.core.jobs.models import BatchItem, BatchJob, BatchStatus
from app.core.jobs.progress import success_rate
from app.core.jobs.repository import BatchRepository
from app.core.jobs.schemas import (
    BatchOut,
    BatchPage,
    BatchQuery,
    BatchStats,
    ItemOut,
    ResultsPage,
    ResultsQuery,
)
from app.core.jobs.values import storable

MAX_ITEMS = 10_000
MAX_ITEM_BYTES = 16_384
MAX_BATCH_BYTES = 10_000_000
MOST_CHUNKS = 32  # more never run at once; a chunk that ends with items left makes the next one
# action → the statuses that allow it
ALLOWED: dict[str, tuple[BatchStatus, ...]] = {
    "pause": (BatchStatus.PENDING, BatchStatus.RUNNING),
    "resume": (BatchStatus.PAUSED,),
    "cancel": (BatchStatus.PENDING, BatchStatus.RUNNING, BatchStatus.PAUSED),
}


class Batches:
    """Submits jobs; shows and steers those of ``seen_by``, everybody's where it is None."""

    def __init__(self, context: Context, seen_by: uuid.UUID | None = None) -> None:
        self._context = context
        self._database = context.database
        self._seen_by = seen_by

    async def submit(self, owner: uuid.UUID, kind: str, items: Sequence[Item]) -> BatchOut:
        """A pending job with these items; the queue learns of it in the same transaction. Raises
        InvalidRequestError for no or too many items and for an item that is too large or no JSON, and
        ValueError for a kind that no module has."""
        if kind not in self._context.jobs.kinds:
            raise ValueError(f"no module has the batch kind {kind!r}")
        _check(items)
        async with self._database.transaction() as session:
            job = BatchJob(user_id=owner, kind=kind, total_items=len(items))
            session.add(job)
            await session.flush()
            rows = [{"job_id": job.id, "position": at, "item": item} for at, item in enumerate(items)]
            await session.execute(insert(BatchItem), rows)
            await enqueue(session, job.id, chunks_of(len(items)))
            await session.refresh(job)
            return BatchOut.of(job)

    async def page(self, query: BatchQuery) -> BatchPage:
        """Newest first."""
        async with self._database.transaction() as session:
            repository = BatchRepository(session, self._seen_by)
            rows, total = await repository.page(query.status, query.kind, query.page, query.page_size)
        return BatchPage(items=[BatchOut.of(row) for row in rows], **_place(query, total))

    async def get(self, key: uuid.UUID) -> BatchOut:
        """Raises NotFoundError."""
        async with self._database.reading() as session:
            return BatchOut.of(_found(await BatchRepository(session, self._seen_by).job(key), key))

    async def results(self, key: uuid.UUID, query: ResultsQuery) -> ResultsPage:
        """What became of the items. Raises NotFoundError."""
        async with self._database.transaction() as session:
            repository = BatchRepository(session, self._seen_by)
            _found(await repository.job(key), key)
            rows, total = await repository.results(key, query.only_failed, query.page, query.page_size)
        return ResultsPage(items=[ItemOut.model_validate(row) for row in rows], **_place(query, total))

    async def stats(self) -> BatchStats:
        """Sums over all jobs."""
        async with self._database.reading() as session:
            sums = await BatchRepository(session, self._seen_by).sums()
        jobs, items, processed, failed = (
            sum(part) for part in zip(*sums.values(), (0, 0, 0, 0), strict=True)
        )
        return BatchStats(
            total_jobs=jobs,
            jobs_by_status={status: sums[status][0] if status in sums else 0 for status in BatchStatus},
            total_items=items,
            processed_items=processed,
            failed_items=failed,
            success_rate=success_rate(processed, failed),
        )

    async def pause(self, key: uuid.UUID) -> BatchOut:
        """Items under way end, no other begins. Raises NotFoundError or JobStatusError."""
        return await self._steer(key, "pause")

    async def resume(self, key: uuid.UUID) -> BatchOut:
        """Goes on where it was. Raises NotFoundError or JobStatusError."""
        return await self._steer(key, "resume")

    async def cancel(self, key: uuid.UUID) -> BatchOut:
        """Items under way end, the others stay pending for ever. Raises NotFoundError or JobStatusError."""
        return await self._steer(key, "cancel")

    async def _steer(self, key: uuid.UUID, action: str) -> BatchOut:
        async with self._database.transaction() as session:
            repository = BatchRepository(session, self._seen_by)
            job = _found(await repository.job(key, lock=True), key)
            if job.status not in ALLOWED[action]:
                allowed = [name for name, statuses in ALLOWED.items() if job.status in statuses]
                raise JobStatusError(status=job.status, allowed=allowed)
            _apply(job, action)
            await session.flush()
            if action == "resume":
                await enqueue(session, job.id, chunks_of(job.total_items - job.processed_items))
            return BatchOut.of(_found(await repository.job(key), key))


def chunks_of(items: int) -> int:
    """How many chunks a job of so many items begins with."""
    return min(-(-items // CHUNK_ITEMS), MOST_CHUNKS)


def _check(items: Sequence[Item]) -> None:
    if not 0 < len(items) <= MAX_ITEMS:
        raise InvalidRequestError(f"A batch has from 1 to {MAX_ITEMS} items, not {len(items)}")
    total = 0
    for position, item in enumerate(items):
        try:
            size = storable(item)
        except ValueError as error:
            raise InvalidRequestError(f"Item {position} {error}", position=position) from error
        if size > MAX_ITEM_BYTES:
            raise InvalidRequestError(f"Item {position} is larger than {MAX_ITEM_BYTES} bytes")
        total += size
    if total > MAX_BATCH_BYTES:
        raise InvalidRequestError(f"The items are larger than {MAX_BATCH_BYTES} bytes together")


def _apply(job: BatchJob, action: str) -> None:
    """The new status, and what it means for the measured time."""
    job.version += 1
    job.ran_seconds = job.elapsed_seconds
    job.running_since = None
    if action == "pause":
        job.status = BatchStatus.PAUSED
    elif action == "cancel":
        job.status = BatchStatus.CANCELLED
        job.finished_at = func.clock_timestamp()
    elif job.started_at is None:
        job.status = BatchStatus.PENDING
    else:
        job.status = BatchStatus.RUNNING
        job.running_since = func.clock_timestamp()


def _found(job: BatchJob | None, key: uuid.UUID) -> BatchJob:
    if job is None:
        raise NotFoundError("Batch job", key)
    return job


def _place(query: BatchQuery | ResultsQuery, total: int) -> dict[str, int]:
    size = query.page_size
    return {"total": total, "page": query.page, "page_size": size, "pages": -(-total // size)}
