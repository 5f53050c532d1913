"""The routes of batch jobs (C5): people see and steer their own, admins everybody's."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.core.auth.current import ActingRole, CurrentUser
from app.core.auth.users import Role
from app.core.context import Context, context_of
from app.core.errors import documented
from app.core.jobs.schemas import BatchOut, BatchPage, BatchQuery, BatchStats, ResultsPage, ResultsQuery
from app.core.jobs.service import Batches

COMMON = ("ERR_1001", "ERR_1100", "ERR_1101", "ERR_1200", "ERR_1201")
ONE = documented("ERR_1002")
STEER = documented("ERR_1002", "ERR_1506")
router = APIRouter(prefix="/api/batch", tags=["batch"], responses=documented(*COMMON))


async def batches_of(
    user: CurrentUser, role: ActingRole, context: Annotated[Context, Depends(context_of)]
) -> Batches:
    """What the asking user may see."""
    return Batches(context, seen_by=None if role is Role.ADMIN else user.id)


Seen = Annotated[Batches, Depends(batches_of)]


@router.get("/jobs")
async def list_batch_jobs(batches: Seen, query: Annotated[BatchQuery, Query()]) -> BatchPage:
    """Batch jobs, newest first."""
    return await batches.page(query)


@router.get("/jobs/{job_id}", responses=ONE)
async def get_batch_job(batches: Seen, job_id: uuid.UUID) -> BatchOut:
    """How far one job is."""
    return await batches.get(job_id)


@router.get("/jobs/{job_id}/results", responses=ONE)
async def get_batch_results(
    batches: Seen, job_id: uuid.UUID, query: Annotated[ResultsQuery, Query()]
) -> ResultsPage:
    """What became of each processed item."""
    return await batches.results(job_id, query)


@router.get("/stats")
async def get_batch_stats(batches: Seen) -> BatchStats:
    """Sums over all jobs that are kept."""
    return await batches.stats()


@router.post("/jobs/{job_id}/pause", responses=STEER)
async def pause_batch_job(batches: Seen, job_id: uuid.UUID) -> BatchOut:
    """Lets the items under way end and begins no other."""
    return await batches.pause(job_id)


@router.post("/jobs/{job_id}/resume", responses=STEER)
async def resume_batch_job(batches: Seen, job_id: uuid.UUID) -> BatchOut:
    """Goes on with a paused job where it was."""
    return await batches.resume(job_id)


@router.post("/jobs/{job_id}/cancel", responses=STEER)
async def cancel_batch_job(batches: Seen, job_id: uuid.UUID) -> BatchOut:
    """Ends the job; what is done stays done."""
    return await batches.cancel(job_id)
