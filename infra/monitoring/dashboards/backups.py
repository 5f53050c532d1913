"""Backups: how old, whether one can be restored, whether the store is there, and the archive of the log."""

from __future__ import annotations

from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import backups
from infra.monitoring.needs import Need
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit
from infra.monitoring.promql import here
from infra.settings.model import Settings


def board(settings: Settings) -> Board:
    """What the backup exporter reads in the store; PostgreSQL's archive where there is one."""
    return Board(
        Dashboard.BACKUPS,
        "Backups",
        "What could be restored, and how well that is known.",
        (
            Row("Now", _now(settings)),
            Row("Backups", _made(settings)),
            Row("Archive of PostgreSQL's log", _archive(settings)),
        ),
        need=Need.BACKUPS,
    )


def _largest(settings: Settings, metric: str) -> str:
    return f"max by (namespace) ({metric}{here(settings)})"


def _now(settings: Settings) -> tuple[Panel, ...]:
    return (
        Panel(
            "backups-broken",
            "Backups that are incomplete",
            Unit.NUMBER,
            (Query(_largest(settings, "backup_broken"), "broken"),),
            "They lie in the store and cannot be restored.",
            Kind.STAT,
        ),
        Panel(
            "backups-restore-seconds",
            "Last drill took",
            Unit.SECONDS,
            (Query(_largest(settings, "restore_duration_seconds"), "restore"),),
            "What a restore of the newest backup would take.",
            Kind.STAT,
        ),
        Panel(
            "backups-store",
            "The store can be reached",
            Unit.NUMBER,
            (Query(_largest(settings, backups.REACHABLE), "store"),),
            "Without it nothing is backed up, drilled or archived.",
            Kind.STATES,
            alerts=("BackupStoreUnreachable", "BackupExporterAbsent"),
        ),
        Panel(
            "backups-drill",
            "The last drill succeeded",
            Unit.NUMBER,
            (Query(_largest(settings, backups.DRILL), "drill"),),
            "Whether the newest backup was restored and everything found in it.",
            Kind.STATES,
            alerts=("BackupDrillFailed",),
        ),
    )


def _made(settings: Settings) -> tuple[Panel, ...]:
    plan = settings.backups
    limits = {
        name: backups.age_limit(plan, schedule).total_seconds()
        for name, schedule in (("backup", plan.schedule), ("drill", plan.drill_schedule))
    }
    return (
        Panel(
            "backups-age",
            "Age of the newest backup",
            Unit.SECONDS,
            (Query(backups.age(settings, backups.SUCCESS), "newest"),),
            f"What was written since would be lost; the schedule is {plan.schedule!r}.",
            thresholds=(Threshold(limits["backup"], Severity.CRITICAL),),
            alerts=("BackupTooOld", "BackupMissing"),
        ),
        Panel(
            "backups-verified",
            "Time since the last drill that succeeded",
            Unit.SECONDS,
            (Query(backups.age(settings, backups.VERIFIED), "verified"),),
            f"The schedule is {plan.drill_schedule!r}.",
            thresholds=(Threshold(limits["drill"], Severity.WARNING),),
            alerts=("BackupNotVerified",),
        ),
        Panel(
            "backups-size",
            "Size of the newest backup",
            Unit.BYTES,
            (Query(f"max by (kind) (backup_size_bytes{here(settings)})", "{{kind}}"),),
            "In the store, by kind.",
            Kind.BARS,
        ),
    )


def _archive(settings: Settings) -> tuple[Panel, ...]:
    archived = f"max by (namespace) (increase(pg_stat_archiver_archived_count{here(settings)}[1h]))"
    return (
        Panel(
            "backups-archive-age",
            "Age of the newest archived segment",
            Unit.SECONDS,
            (Query(backups.archive_age(settings), "newest"),),
            "A database that nobody writes to closes no segment.",
            thresholds=(Threshold(backups.archive_limit(settings), Severity.WARNING),),
            alerts=("BackupArchiveLags",),
            need=Need.ARCHIVE,
        ),
        Panel(
            "backups-archive-failures",
            "Segments refused within 3 minutes",
            Unit.NUMBER,
            (Query(backups.archive_failures(settings), "refused"),),
            "They stay on the volume until they are taken.",
            thresholds=(Threshold(0, Severity.CRITICAL),),
            alerts=("BackupArchiveFails",),
            need=Need.ARCHIVE,
        ),
        Panel(
            "backups-archived",
            "Segments archived within an hour",
            Unit.NUMBER,
            (Query(archived, "archived"),),
            "Of 16 MiB each, before compression.",
            need=Need.ARCHIVE,
        ),
    )
