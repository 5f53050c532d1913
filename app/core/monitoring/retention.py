"""Forgets events after EVENT_RETENTION_DAYS, and sooner where there are very many."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from app.core.context import Context
from app.core.jobs.kinds import Schedule
from app.core.logs import logger

CRON = "20 * * * *"  # every hour, so that no day of many errors fills the disk
log = logger(__name__)


async def forget_old_events(context: Context) -> None:
    """Twice in a row is harmless: the second time there is nothing left."""
    before = datetime.now(UTC) - timedelta(days=context.settings.event_retention_days)
    log.info("events forgotten", count=await context.events.forget(before))


SCHEDULE = Schedule("events.retention", lambda _: CRON, forget_old_events)
