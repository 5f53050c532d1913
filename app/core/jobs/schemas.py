"""What the batch routes take and give."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from app.core.jobs import progress
from app.core.jobs.models import KIND_LENGTH, BatchJob, BatchStatus, ItemStatus
from app.core.text import Page, PageSize

EXAMPLE: dict[str, Any] = {
    "job_id": "7f0c6a52-9a4e-4f0b-8f7e-3f6a2d1c9b10",
    "kind": "orders.approve",
    "status": "running",
    "version": 2,
    "progress_percent": 65.0,
    "processed_items": 65,
    "failed_items": 1,
    "total_items": 100,
    "error": None,
    "timing": {"elapsed_seconds": 120.4, "eta_seconds": 65, "eta_formatted": "1m 5s"},
    "statistics": {"success_rate": 0.9846},
    "created_at": "2026-01-15T10:30:00Z",
    "started_at": "2026-01-15T10:30:01Z",
    "finished_at": None,
}


class Timing(BaseModel):
    """Seconds of running, without the time before the start and without pauses."""

    elapsed_seconds: float
    eta_seconds: int | None = Field(description="At the measured rate; null unless the job is running")
    eta_formatted: str | None = Field(description='Like "1m 5s"')


class Statistics(BaseModel):
    """Shares of the processed items."""

    success_rate: float | None = Field(description="From 0 to 1; null before the first item")


class BatchOut(BaseModel):
    """A batch job. ``processed_items`` counts the failed ones too. ``failed`` is a job none of whose items
    succeeded, or that could not be worked on, which ``error`` explains."""

    model_config = ConfigDict(json_schema_extra={"example": EXAMPLE})
    job_id: uuid.UUID
    kind: str
    status: BatchStatus
    version: int
    progress_percent: float
    processed_items: int
    failed_items: int
    total_items: int
    error: str | None
    timing: Timing
    statistics: Statistics
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: BatchJob) -> BatchOut:
        """The job as people see it."""
        done, total = job.processed_items, job.total_items
        running = job.status == BatchStatus.RUNNING
        left = progress.seconds_left(done, total, job.elapsed_seconds) if running else None
        return cls(
            job_id=job.id,
            kind=job.kind,
            status=BatchStatus(job.status),
            version=job.version,
            progress_percent=progress.percent(done, total),
            processed_items=done,
            failed_items=job.failed_items,
            total_items=total,
            error=job.error,
            timing=Timing(
                elapsed_seconds=round(job.elapsed_seconds, 1),
                eta_seconds=left,
                eta_formatted=None if left is None else progress.spoken(left),
            ),
            statistics=Statistics(success_rate=progress.success_rate(done, job.failed_items)),
            created_at=job.created_at,
            started_at=job.started_at,
            finished_at=job.finished_at,
        )


class BatchPage(BaseModel):
    """Jobs, newest first."""

    items: list[BatchOut]
    total: int
    page: int
    page_size: int
    pages: int


class BatchQuery(BaseModel):
    """Which jobs, and which page of them."""

    model_config = ConfigDict(extra="forbid")
    status: BatchStatus | None = None
    kind: str | None = Field(None, min_length=1, max_length=KIND_LENGTH, pattern=r"^[\w.-]+$")
    page: Page = 1
    page_size: PageSize = 20


class ItemError(BaseModel):
    """Why an item failed; the trace id finds it in the log."""

    error_code: str
    message: str
    trace_id: str


class ItemOut(BaseModel):
    """One processed item. ``position`` counts from 0 in the submitted list."""

    model_config = ConfigDict(from_attributes=True)
    position: int
    status: ItemStatus
    item: dict[str, Any]
    result: dict[str, Any] | None
    error: ItemError | None
    finished_at: datetime | None


class ResultsPage(BaseModel):
    """Processed items in the order of the list."""

    items: list[ItemOut]
    total: int
    page: int
    page_size: int
    pages: int


class ResultsQuery(BaseModel):
    """Which results, and which page of them."""

    model_config = ConfigDict(extra="forbid")
    only_failed: bool = False
    page: Page = 1
    page_size: PageSize = 100


class BatchStats(BaseModel):
    """Sums over the jobs that are kept."""

    total_jobs: int
    jobs_by_status: dict[BatchStatus, int] = Field(description="Every status, with 0 where there is none")
    total_items: int
    processed_items: int
    failed_items: int
    success_rate: float | None
