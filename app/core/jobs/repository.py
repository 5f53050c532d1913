"""What people ask about batch jobs. Every query is narrowed to one owner here, and nowhere else."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.jobs.models import BatchItem, BatchJob, BatchStatus, ItemStatus


class BatchRepository:
    """The jobs of ``owner``, or everybody's where it is None (admins), in one session."""

    def __init__(self, session: AsyncSession, owner: uuid.UUID | None) -> None:
        self._session = session
        self._owner = owner

    def _seen(self) -> list[ColumnElement[bool]]:
        return [] if self._owner is None else [BatchJob.user_id == self._owner]

    async def job(self, key: uuid.UUID, *, lock: bool = False) -> BatchJob | None:
        """The job as it is now, None where it does not exist or is not to be seen."""
        wanted = select(BatchJob).where(BatchJob.id == key, *self._seen())
        wanted = wanted.execution_options(populate_existing=True)
        return await self._session.scalar(wanted.with_for_update() if lock else wanted)

    async def page(
        self, status: BatchStatus | None, kind: str | None, page: int, size: int
    ) -> tuple[Sequence[BatchJob], int]:
        """One page, newest first, and the number of all jobs that the filter lets through."""
        asked = {BatchJob.status: status, BatchJob.kind: kind}
        chosen = [column == value for column, value in asked.items() if value is not None] + self._seen()
        total = await self._session.scalar(select(func.count(BatchJob.id)).where(*chosen))
        order = (BatchJob.created_at.desc(), BatchJob.id.desc())
        wanted = select(BatchJob).where(*chosen).order_by(*order)
        rows = await self._session.scalars(wanted.offset((page - 1) * size).limit(size))
        return rows.all(), total or 0

    async def results(
        self, key: uuid.UUID, only_failed: bool, page: int, size: int
    ) -> tuple[Sequence[BatchItem], int]:
        """One page of the processed items, and the number of all of them."""
        chosen = [BatchItem.job_id == key, BatchItem.status != ItemStatus.PENDING, *self._seen()]
        if only_failed:
            chosen.append(BatchItem.status == ItemStatus.FAILED)
        counted = select(func.count()).select_from(BatchItem).join(BatchJob).where(*chosen)
        total = await self._session.scalar(counted)
        wanted = select(BatchItem).join(BatchJob).where(*chosen).order_by(BatchItem.position)
        rows = await self._session.scalars(wanted.offset((page - 1) * size).limit(size))
        return rows.all(), total or 0

    async def sums(self) -> dict[BatchStatus, tuple[int, int, int, int]]:
        """(jobs, items, processed, failed) of each status that occurs."""
        counted = (BatchJob.total_items, BatchJob.processed_items, BatchJob.failed_items)
        columns: list[Any] = [BatchJob.status, func.count(BatchJob.id), *map(func.sum, counted)]
        rows = await self._session.execute(select(*columns).where(*self._seen()).group_by(BatchJob.status))
        return {BatchStatus(row[0]): (row[1], row[2], row[3], row[4]) for row in rows}
