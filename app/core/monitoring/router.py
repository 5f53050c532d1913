"""GET /api/monitoring/events: an answered error, found again by its trace id (C1)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from app.core.auth.current import ADMIN_ERRORS, Admin
from app.core.context import Context, context_of
from app.core.errors import documented
from app.core.monitoring.schemas import EventOut, EventPage, EventQuery

router = APIRouter(prefix="/api/monitoring", tags=["monitoring"], responses=documented(*ADMIN_ERRORS))


@router.get("/events", summary="Find answered errors", responses=documented("ERR_1001"))
async def list_events(
    _admin: Admin,
    query: Annotated[EventQuery, Query()],
    context: Annotated[Context, Depends(context_of)],
) -> EventPage:
    """Errors of all replicas, newest first. Those that this replica answered are there at once, those of
    another one within a second. They are kept for EVENT_RETENTION_DAYS."""
    found, cursor = await context.events.search(query)
    return EventPage(items=[EventOut.model_validate(event) for event in found], next_cursor=cursor)
