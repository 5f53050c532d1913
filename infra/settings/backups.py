"""Section ``backups``: when the database is dumped, how long dumps are kept, when a restore is rehearsed."""

from __future__ import annotations

from pydantic import Field

from infra.settings.base import Schedule, Section, TimeZone


class Backups(Section):
    """Dumps to an S3 bucket, their retention, and the drill that restores the newest one."""

    enabled: bool = Field(False, description="Whether the database is dumped to the bucket.")
    bucket: str | None = Field(
        None,
        pattern=r"^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$",
        description="S3 bucket (3 to 63 characters: lower-case letters, digits, hyphens).",
        examples=["ledger-backups"],
    )
    schedule: Schedule = Field(
        "0 3 * * *", description="Cron schedule of the dump: minute, hour, day, month, weekday."
    )
    full_schedule: Schedule = Field(
        "0 4 * * 0", description="Cron schedule of the weekly full backup: dump, files and configuration."
    )
    drill_schedule: Schedule = Field(
        "30 6 * * *",
        description="Cron schedule of the drill, which restores and checks the newest backup.",
    )
    time_zone: TimeZone = Field("UTC", description="Time zone of the three schedules (IANA name).")
    retention_days: int = Field(30, ge=1, le=3650, description="Days a backup is kept.")
    deadline_minutes: int = Field(
        120, ge=5, le=1440, description="Minutes a backup may take; the drill waits that long."
    )
