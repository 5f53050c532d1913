"""Part ``backups.pitr``: the archive of PostgreSQL's log, from which a stack is restored to a second."""

from __future__ import annotations

from pydantic import Field

from infra.settings.base import Resources, Schedule, Section


class Pitr(Section):
    """Base backups by schedule, and every segment of the log (WAL) as it is closed."""

    enabled: bool = Field(
        False, description="Whether the log is archived, so that a restore reaches any second since a backup."
    )
    archive_timeout_seconds: int = Field(
        30,
        ge=5,
        le=3600,
        description="Seconds after which a segment is archived though it is not full: lost at worst.",
    )
    full_schedule: Schedule = Field(
        "0 2 * * 0", description="Cron schedule of the full base backup: minute, hour, day, month, weekday."
    )
    diff_schedule: Schedule = Field(
        "0 2 * * 1-6", description="Cron schedule of the base backup of what differs from the last full one."
    )
    retention_full: int = Field(
        2, ge=1, le=100, description="Full base backups kept; restores reach back to the oldest."
    )
    resources: Resources = Field(
        Resources(cpu_request="50m", memory_request="64Mi", memory_limit="256Mi"),
        description="CPU and memory of the container beside PostgreSQL that makes base backups.",
    )
