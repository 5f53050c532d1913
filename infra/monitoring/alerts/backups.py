"""Backups: too old, not verified, found bad, out of reach (backup exporter), and the archive of PostgreSQL's
log, which postgres_exporter sees."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from infra.monitoring import needs
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here, window
from infra.settings.backups import Backups
from infra.settings.model import Settings
from infra.settings.rules.schedules import longest_gap

# A run that began late or took long is no incident yet: half an hour on top of the deadline.
SLACK = timedelta(minutes=30)
# One scrape in four may fail while the exporter's pod moves; a quarter of an hour is no move any more.
AWAY = "15m"
# PostgreSQL tries a segment three times, waits a minute, and tries again: five minutes are several rounds.
ARCHIVE_FAILS = "5m"
ARCHIVE_SECONDS = 180  # of which a round is a third
# On top of archive_timeout: a base backup's end and a busy store take a few minutes at most.
ARCHIVE_SLACK_SECONDS = 300
SUCCESS, VERIFIED = "backup_last_success_timestamp_seconds", "backup_last_verified_timestamp_seconds"
REACHABLE, DRILL = "backup_store_reachable", "backup_drill_success"
_alert = partial(Alert, Part.BACKUPS, Dashboard.BACKUPS)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """None where the stack makes no backups."""
    if not needs.met(Need.BACKUPS, settings):
        return ()
    archive = (_archive_fails(settings), _archive_lags(settings)) if needs.met(Need.ARCHIVE, settings) else ()
    return (
        _too_old(settings),
        _never_made(settings),
        _not_verified(settings),
        _drill_failed(settings),
        _out_of_reach(settings),
        _not_watched(settings),
        *archive,
    )


def age_limit(backups: Backups, schedule: str) -> timedelta:
    """How old the result of a schedule may be: its longest gap, the deadline of the run, and some slack."""
    return longest_gap(schedule) + timedelta(minutes=backups.deadline_minutes) + SLACK


def age(settings: Settings, metric: str) -> str:
    """Seconds since the moment that a metric of the backup exporter names."""
    return f"time() - max by (namespace) ({metric}{here(settings)})"


def archive_failures(settings: Settings) -> str:
    """Tries of the last minutes in which the archive did not take a segment."""
    failed = f"pg_stat_archiver_failed_count{here(settings)}[{window(settings, ARCHIVE_SECONDS)}s]"
    return f"max by (namespace) (increase({failed}))"


def archive_age(settings: Settings) -> str:
    """Seconds since the archive took its last segment."""
    return f"max by (namespace) (pg_stat_archiver_last_archive_age{here(settings)})"


def archive_limit(settings: Settings) -> int:
    """Seconds from which on the archive lags."""
    return settings.backups.pitr.archive_timeout_seconds + ARCHIVE_SLACK_SECONDS


def _seconds(limit: timedelta) -> int:
    return int(limit.total_seconds())


def _too_old(settings: Settings) -> Alert:
    backups = settings.backups
    limit = age_limit(backups, backups.schedule)
    return _alert(
        "BackupTooOld",
        Severity.CRITICAL,
        f"{age(settings, SUCCESS)} > {_seconds(limit)}",
        "5m",
        "The newest backup is too old",
        f"The newest backup is {{{{ $value | humanizeDuration }}}} old, and the schedule "
        f"{backups.schedule!r} allows {limit}. What was written since then would be lost.",
        "slipway backup status STACK; slipway backup now STACK",
    )


def _never_made(settings: Settings) -> Alert:
    # The exporter answers and knows of no backup: a new stack before its first night, or an emptied bucket.
    limit, chosen = age_limit(settings.backups, settings.backups.schedule), here(settings)
    return _alert(
        "BackupMissing",
        Severity.CRITICAL,
        f"{REACHABLE}{chosen} == 1 unless on (namespace) {SUCCESS}{chosen}",
        f"{_seconds(limit)}s",
        "There is no backup at all",
        f"The store is reachable and has held no backup for {limit}.",
        "slipway backup now STACK",
    )


def _not_verified(settings: Settings) -> Alert:
    backups = settings.backups
    limit = age_limit(backups, backups.drill_schedule)
    return _alert(
        "BackupNotVerified",
        Severity.WARNING,
        f"{age(settings, VERIFIED)} > {_seconds(limit)}",
        "5m",
        "No backup has been restored in a drill lately",
        "The last drill that succeeded was {{ $value | humanizeDuration }} ago, and the schedule "
        f"{backups.drill_schedule!r} allows {limit}. Whether the backups can be restored is not known.",
        "slipway backup status STACK names the last drill and what it found",
    )


def _drill_failed(settings: Settings) -> Alert:
    return _alert(
        "BackupDrillFailed",
        Severity.CRITICAL,
        f"{DRILL}{here(settings)} == 0",
        "0s",
        "The last drill could not restore its backup",
        "The drill of the newest backup failed: that backup cannot be relied on.",
        "slipway backup status STACK names what it found; slipway backup now STACK makes another",
    )


def _out_of_reach(settings: Settings) -> Alert:
    return _alert(
        "BackupStoreUnreachable",
        Severity.CRITICAL,
        f"{REACHABLE}{here(settings)} == 0",
        AWAY,
        "The store of backups cannot be reached",
        "For a quarter of an hour the store has not answered: no backup can be made or restored.",
        "slipway status STACK; slipway backup list STACK says what the store answers",
    )


def _not_watched(settings: Settings) -> Alert:
    return _alert(
        "BackupExporterAbsent",
        Severity.WARNING,
        f"absent({REACHABLE}{here(settings)})",
        AWAY,
        "Nobody watches the backups",
        "The backup exporter has given no figures for a quarter of an hour.",
        "slipway status STACK says whether its pod runs",
    )


def _archive_fails(settings: Settings) -> Alert:
    return _alert(
        "BackupArchiveFails",
        Severity.CRITICAL,
        f"{archive_failures(settings)} > 0",
        ARCHIVE_FAILS,
        "PostgreSQL cannot archive its log",
        "Segments have been refused for five minutes: they stay on the volume until it is full, and what is "
        "written now can be restored from nowhere else.",
        "slipway backup status STACK names what the archive says",
    )


def _archive_lags(settings: Settings) -> Alert:
    database = here(settings, f'datname="{settings.postgres.database}"')
    limit = archive_limit(settings)
    written = " + ".join(
        f"sum by (namespace) (increase(pg_stat_database_tup_{verb}{database}[{limit}s]))"
        for verb in ("inserted", "updated", "deleted")
    )
    # A database that nobody writes to closes no segment: its last one may be old, and nothing is lost.
    return _alert(
        "BackupArchiveLags",
        Severity.WARNING,
        f"{archive_age(settings)} > {limit} and on (namespace) ({written}) > 0",
        ARCHIVE_FAILS,
        "The archive of PostgreSQL's log lags behind",
        "The newest archived segment is {{ $value | humanizeDuration }} old, rows were written since, and "
        f"backups.pitr.archive_timeout_seconds is {settings.backups.pitr.archive_timeout_seconds}.",
        "slipway backup status STACK says how far a restore reaches",
    )
