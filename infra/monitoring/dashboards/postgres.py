"""PostgreSQL: whether it answers, who is connected, what is written, and how full its volume is."""

from __future__ import annotations

from infra.monitoring import volumes
from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import database
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit
from infra.monitoring.promql import BETWEEN, here
from infra.settings.model import Settings


def board(settings: Settings) -> Board:
    """Of the stack's own database, and of the server where a figure is the server's."""
    return Board(
        Dashboard.POSTGRES,
        "PostgreSQL",
        "The database as its exporter sees it, and its volume.",
        (
            Row("Now", (*_now(settings), _up(settings))),
            Row("Connections and transactions", (*_connections(settings), *_transactions(settings))),
            Row("Work", _work(settings)),
            Row("Room", _room(settings)),
        ),
    )


def _own(settings: Settings, *matchers: str) -> str:
    return here(settings, f'datname="{settings.postgres.database}"', *matchers)


def _rate(settings: Settings, metric: str) -> str:
    return f"sum by (namespace) (rate({metric}{_own(settings)}[{BETWEEN}]))"


def _size(settings: Settings) -> str:
    return f"max by (namespace) (pg_database_size_bytes{_own(settings)})"


def _hits(settings: Settings) -> str:
    hit, read = (_rate(settings, f"pg_stat_database_blks_{what}") for what in ("hit", "read"))
    return f"{hit} / ({hit} + {read})"


def _now(settings: Settings) -> tuple[Panel, ...]:
    share = f"{database.connections(settings)} / {database.most_connections(settings)}"
    return (
        Panel(
            "postgres-connections-now",
            "Connections in use",
            Unit.SHARE,
            (Query(share, "of max_connections"),),
            "Of postgres.max_connections.",
            Kind.STAT,
            (Threshold(database.CONNECTION_SHARE, Severity.WARNING),),
        ),
        Panel(
            "postgres-commits-now",
            "Commits",
            Unit.PER_SECOND,
            (Query(_rate(settings, "pg_stat_database_xact_commit"), "commits"),),
            "Per second.",
            Kind.STAT,
        ),
        Panel(
            "postgres-hits-now",
            "Found in memory",
            Unit.SHARE,
            (Query(_hits(settings), "of the blocks"),),
            "Share of the blocks that were asked for and lay in shared_buffers.",
            Kind.STAT,
        ),
        Panel(
            "postgres-size-now",
            "Size",
            Unit.BYTES,
            (Query(_size(settings), "on disk"),),
            "Of the service's database, without the server's log.",
            Kind.STAT,
        ),
    )


def _up(settings: Settings) -> Panel:
    return Panel(
        "postgres-up",
        "PostgreSQL answers",
        Unit.NUMBER,
        (Query(database.up(settings), "postgres"),),
        "Whether the exporter can log in.",
        Kind.STATES,
        alerts=("DatabaseDown",),
    )


def _connections(settings: Settings) -> tuple[Panel, ...]:
    states = f"sum by (state) (pg_stat_activity_count{_own(settings)}) > 0"
    return (
        Panel(
            "postgres-connections",
            "Connections",
            Unit.NUMBER,
            (
                Query(database.connections(settings), "open"),
                Query(states, "{{state}}"),
            ),
            "Open ones of the server, and those of the service's database by what they do.",
            thresholds=(
                Threshold(
                    int(database.CONNECTION_SHARE * settings.postgres.max_connections), Severity.WARNING
                ),
            ),
            alerts=("DatabaseConnectionsNearLimit",),
        ),
        Panel(
            "postgres-idle-transaction",
            "Oldest transaction that does nothing",
            Unit.SECONDS,
            (Query(database.idle_transaction(settings), "idle in transaction"),),
            "It holds its locks, and tables grow meanwhile.",
            thresholds=(Threshold(database.IDLE_SECONDS, Severity.WARNING),),
            alerts=("DatabaseTransactionIdle",),
        ),
        Panel(
            "postgres-deadlocks",
            "Deadlocks within 15 minutes",
            Unit.NUMBER,
            (Query(database.deadlocks(settings), "deadlocks"),),
            "PostgreSQL ended one transaction of each.",
            thresholds=(Threshold(database.DEADLOCKS, Severity.WARNING),),
            alerts=("DatabaseDeadlocks",),
        ),
    )


def _transactions(settings: Settings) -> tuple[Panel, ...]:
    locks = f"sum by (mode) (pg_locks_count{_own(settings)})"
    return (
        Panel(
            "postgres-locks",
            "Locks held",
            Unit.NUMBER,
            (Query(locks, "{{mode}}"),),
            "By mode; an AccessExclusiveLock keeps everybody from a table.",
            Kind.STACK,
        ),
        Panel(
            "postgres-outcomes",
            "Transactions",
            Unit.PER_SECOND,
            (
                Query(_rate(settings, "pg_stat_database_xact_commit"), "committed"),
                Query(_rate(settings, "pg_stat_database_xact_rollback"), "rolled back"),
            ),
            "How they ended.",
        ),
        Panel(
            "postgres-sessions",
            "New sessions",
            Unit.PER_SECOND,
            (Query(_rate(settings, "pg_stat_database_sessions"), "logins"),),
            "A pool that is too small logs in for each request.",
        ),
    )


def _work(settings: Settings) -> tuple[Panel, ...]:
    written = tuple(
        Query(_rate(settings, f"pg_stat_database_tup_{verb}"), verb)
        for verb in ("inserted", "updated", "deleted")
    )
    read = tuple(
        Query(_rate(settings, f"pg_stat_database_tup_{verb}"), verb) for verb in ("returned", "fetched")
    )
    return (
        Panel("postgres-written", "Rows written", Unit.PER_SECOND, written, "Per second.", Kind.STACK),
        Panel(
            "postgres-read",
            "Rows read",
            Unit.PER_SECOND,
            read,
            "returned: looked at by scans; fetched: found by an index.",
        ),
        Panel(
            "postgres-hits",
            "Found in memory",
            Unit.SHARE,
            (Query(_hits(settings), "blocks in shared_buffers"),),
            "What was not came from the kernel's cache or the disk.",
        ),
    )


def _room(settings: Settings) -> tuple[Panel, ...]:
    claim = f'persistentvolumeclaim="{volumes.POSTGRES_CLAIM}"'
    return (
        Panel(
            "postgres-size",
            "Size of the database",
            Unit.BYTES,
            (Query(_size(settings), settings.postgres.database),),
            "Tables and indexes.",
        ),
        Panel(
            "postgres-temporary",
            "Temporary files",
            Unit.BYTES_PER_SECOND,
            (Query(_rate(settings, "pg_stat_database_temp_bytes"), "written"),),
            "Sorts that do not fit into work_mem.",
        ),
        Panel(
            "postgres-volume",
            "Room on the volume",
            Unit.BYTES,
            (Query(volumes.room(settings, claim), "free"),),
            "Where the kubelet knows nothing of volumes: of the node's disk, on which they lie.",
            thresholds=(Threshold(volumes.FREE_BYTES, Severity.CRITICAL, below=True),),
            alerts=("DatabaseVolumeNearlyFull",),
        ),
    )
