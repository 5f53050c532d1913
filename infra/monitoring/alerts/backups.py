"""Backups: too old, not verified, found bad, out of reach. The figures come from the backup exporter."""

from __future__ import annotations

from datetime import timedelta

from infra.monitoring.alert import Alert, Severity
from infra.settings.backups import Backups
from infra.settings.model import Settings
from infra.settings.rules.schedules import longest_gap

# A run that began late or took long is no incident yet: half an hour on top of the deadline.
SLACK = timedelta(minutes=30)
# One scrape in four may fail while the exporter's pod moves; a quarter of an hour is no move any more.
AWAY = "15m"
AGE = "time() - max by (namespace) ({metric})"


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """None where the stack makes no backups."""
    backups = settings.backups
    if not backups.enabled:
        return ()
    return (
        _too_old(backups),
        _never_made(backups),
        _not_verified(backups),
        _drill_failed(),
        _out_of_reach(),
        _not_watched(),
    )


def age_limit(backups: Backups, schedule: str) -> timedelta:
    """How old the result of a schedule may be: its longest gap, the deadline of the run, and some slack."""
    return longest_gap(schedule) + timedelta(minutes=backups.deadline_minutes) + SLACK


def _seconds(limit: timedelta) -> int:
    return int(limit.total_seconds())


def _too_old(backups: Backups) -> Alert:
    limit = age_limit(backups, backups.schedule)
    age = AGE.format(metric="backup_last_success_timestamp_seconds")
    return Alert(
        name="BackupTooOld",
        expression=f"{age} > {_seconds(limit)}",
        lasts="5m",
        severity=Severity.CRITICAL,
        summary="The newest backup is too old",
        description=f"The newest backup is {{{{ $value | humanizeDuration }}}} old, and the schedule "
        f"{backups.schedule!r} allows {limit}. What was written since then would be lost.",
        remedy="slipway backup status STACK; slipway backup now STACK",
    )


def _never_made(backups: Backups) -> Alert:
    # The exporter answers and knows of no backup: a new stack before its first night, or an emptied bucket.
    limit = age_limit(backups, backups.schedule)
    return Alert(
        name="BackupMissing",
        expression="backup_store_reachable == 1 unless on (namespace) backup_last_success_timestamp_seconds",
        lasts=f"{_seconds(limit)}s",
        severity=Severity.CRITICAL,
        summary="There is no backup at all",
        description=f"The store is reachable and has held no backup for {limit}.",
        remedy="slipway backup now STACK",
    )


def _not_verified(backups: Backups) -> Alert:
    limit = age_limit(backups, backups.drill_schedule)
    age = AGE.format(metric="backup_last_verified_timestamp_seconds")
    return Alert(
        name="BackupNotVerified",
        expression=f"{age} > {_seconds(limit)}",
        lasts="5m",
        severity=Severity.WARNING,
        summary="No backup has been restored in a drill lately",
        description="The last drill that succeeded was {{ $value | humanizeDuration }} ago, and the schedule "
        f"{backups.drill_schedule!r} allows {limit}. Whether the backups can be restored is not known.",
        remedy="slipway backup status STACK names the last drill and what it found",
    )


def _drill_failed() -> Alert:
    return Alert(
        name="BackupDrillFailed",
        expression="backup_drill_success == 0",
        lasts="0s",
        severity=Severity.CRITICAL,
        summary="The last drill could not restore its backup",
        description="The drill of the newest backup failed: that backup cannot be relied on.",
        remedy="slipway backup status STACK names what it found; slipway backup now STACK makes another",
    )


def _out_of_reach() -> Alert:
    return Alert(
        name="BackupStoreUnreachable",
        expression="backup_store_reachable == 0",
        lasts=AWAY,
        severity=Severity.CRITICAL,
        summary="The store of backups cannot be reached",
        description="For a quarter of an hour the store has not answered: no backup can be made or restored.",
        remedy="slipway status STACK; slipway backup list STACK says what the store answers",
    )


def _not_watched() -> Alert:
    return Alert(
        name="BackupExporterAbsent",
        expression="absent(backup_store_reachable)",
        lasts=AWAY,
        severity=Severity.WARNING,
        summary="Nobody watches the backups",
        description="The backup exporter has given no figures for a quarter of an hour.",
        remedy="slipway status STACK says whether its pod runs",
    )
