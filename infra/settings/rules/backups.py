"""Rules on backups: they need a bucket, outlive their schedule, and are rehearsed once they are there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.rules.schedules import longest_gap, shortest_wait


def backups_have_a_bucket(settings: StackConfig) -> Iterator[Finding]:
    """A dump needs somewhere to go."""
    if settings.backups.enabled and not settings.backups.bucket:
        yield Finding(
            ("backups", "bucket"),
            "backups.bucket is missing, and backups.enabled is true",
            "name the S3 bucket, or set enabled: false",
            also=(("backups", "enabled"),),
        )


def retention_outlives_the_schedule(settings: StackConfig) -> Iterator[Finding]:
    """When one run fails, the one before must still be there: two gaps are the least to keep."""
    backups = settings.backups
    for key in ("schedule", "full_schedule"):
        schedule: str = getattr(backups, key)
        gap = longest_gap(schedule)
        if timedelta(days=backups.retention_days) < 2 * gap:
            least = -(-2 * gap // timedelta(days=1))
            yield Finding(
                ("backups", "retention_days"),
                f"retention_days {backups.retention_days}, and {key} {schedule!r} leaves up to {_days(gap)} "
                "between two backups: one failed run would leave none",
                f"keep at least {least} days, or back up more often",
                also=(("backups", key),),
            )


def drill_is_later_than_the_backup(settings: StackConfig) -> Iterator[Finding]:
    """A drill that starts while the dump runs rehearses yesterday's backup."""
    backups = settings.backups
    deadline = timedelta(minutes=backups.deadline_minutes)
    for key in ("schedule", "full_schedule"):
        schedule: str = getattr(backups, key)
        if longest_gap(schedule) <= deadline:
            continue  # there is always a running one; any drill takes the last whole
        wait = shortest_wait(schedule, backups.drill_schedule)
        if wait is not None and wait < deadline:
            yield Finding(
                ("backups", "drill_schedule"),
                f"drill_schedule {backups.drill_schedule!r} starts {_minutes(wait)} min after "
                f"{key} {schedule!r}, and a backup may take deadline_minutes {backups.deadline_minutes}",
                f"start the drill {backups.deadline_minutes} min or more after the backup, or lower "
                "deadline_minutes",
                also=(("backups", key), ("backups", "deadline_minutes")),
            )


def _days(gap: timedelta) -> str:
    hours = round(gap.total_seconds() / 3600)
    return f"{hours} h" if hours < 48 else f"{hours // 24} days"


def _minutes(gap: timedelta) -> int:
    return int(gap.total_seconds() // 60)
