"""Every schedule of the service: the core's own and those of the chosen modules."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.jobs.kinds import Schedule
from app.core.module import Module
from app.core.monitoring.retention import SCHEDULE as EVENTS_RETENTION

JOBS_RETENTION = Schedule(
    name="jobs.retention", cron=lambda _: "17 * * * *", run=lambda context: context.jobs.forget_old()
)
CORE = (EVENTS_RETENTION, JOBS_RETENTION)


def collect(modules: Iterable[Module]) -> tuple[Schedule, ...]:
    """Raises ValueError where two have one name: the name is what makes a slot run once."""
    found = (*CORE, *(schedule for module in modules for schedule in module.schedules))
    names = [schedule.name for schedule in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"more than one schedule is called {', '.join(map(repr, twice))}")
    return found
