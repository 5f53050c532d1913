"""PostgreSQL as postgres_exporter sees it, and its volume as the kubelet sees it."""

from __future__ import annotations

from functools import partial

from infra.monitoring import volumes
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.promql import here
from infra.settings.model import Settings

# Longer than a restart of the pod takes to be seen; sooner than what follows from it is told.
GONE = "1m"
# The rest is for migrations, backups and a person who looks: three are kept for the superuser anyway.
CONNECTION_SHARE = 0.85
# Nobody waits for such a transaction any more, and no row that was deleted since it began can be removed.
IDLE_SECONDS = 15 * 60
# One now and then is a retry; several in a quarter of an hour are two statements in the wrong order.
DEADLOCKS = 3
_alert = partial(Alert, Part.DATABASE, Dashboard.POSTGRES)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Every stack has a database."""
    return (
        _down(settings),
        _volume_nearly_full(settings),
        _connections(settings),
        _idle_transaction(settings),
        _deadlocks(settings),
    )


def up(settings: Settings) -> str:
    """Whether postgres_exporter can log in."""
    return f"max by (namespace) (pg_up{here(settings)})"


def connections(settings: Settings) -> str:
    """Connections that are open, in any state."""
    return f"sum by (namespace) (pg_stat_activity_count{here(settings)})"


def most_connections(settings: Settings) -> str:
    """max_connections."""
    return f"max by (namespace) (pg_settings_max_connections{here(settings)})"


def idle_transaction(settings: Settings) -> str:
    """Seconds since the oldest transaction was begun in which nothing happens."""
    chosen = here(settings, f'datname="{settings.postgres.database}"', 'state=~"idle in transaction.*"')
    return f"max by (namespace) (pg_stat_activity_max_tx_duration{chosen})"


def deadlocks(settings: Settings) -> str:
    """Transactions of the last quarter of an hour that were ended because they blocked one another."""
    chosen = here(settings, f'datname="{settings.postgres.database}"')
    return f"sum by (namespace) (increase(pg_stat_database_deadlocks{chosen}[15m]))"


def _down(settings: Settings) -> Alert:
    return _alert(
        "DatabaseDown",
        Severity.CRITICAL,
        f"{up(settings)} == 0",
        GONE,
        "PostgreSQL does not answer",
        "For a minute the exporter has not been able to log in: the service can read and write nothing.",
        "slipway status STACK says whether its pod runs, and why not",
    )


def _volume_nearly_full(settings: Settings) -> Alert:
    return _alert(
        "DatabaseVolumeNearlyFull",
        Severity.CRITICAL,
        volumes.nearly_full(settings, f'persistentvolumeclaim="{volumes.POSTGRES_CLAIM}"'),
        "1m",
        "PostgreSQL's volume is nearly full",
        "{{ $value | humanize1024 }}B are left. PostgreSQL stops when it can write no more.",
        "slipway explain STACK postgres.storage; raise it where the StorageClass lets volumes grow",
    )


def _connections(settings: Settings) -> Alert:
    return _alert(
        "DatabaseConnectionsNearLimit",
        Severity.WARNING,
        f"{connections(settings)} > {CONNECTION_SHARE} * {most_connections(settings)}",
        "5m",
        "PostgreSQL runs out of connections",
        f"{{{{ $value }}}} of {settings.postgres.max_connections} connections are open.",
        "slipway explain STACK postgres.max_connections says what it is held against",
    )


def _idle_transaction(settings: Settings) -> Alert:
    return _alert(
        "DatabaseTransactionIdle",
        Severity.WARNING,
        f"{idle_transaction(settings)} > {IDLE_SECONDS}",
        "1m",
        "A transaction is open and does nothing",
        "It was begun {{ $value | humanizeDuration }} ago: it holds its locks, and tables grow meanwhile.",
        "find it in pg_stat_activity (the runbook has the query); slipway status STACK shows restarts",
    )


def _deadlocks(settings: Settings) -> Alert:
    return _alert(
        "DatabaseDeadlocks",
        Severity.WARNING,
        f"{deadlocks(settings)} > {DEADLOCKS}",
        "0s",
        "Transactions block one another",
        "{{ $value | humanize }} deadlocks in 15 minutes: PostgreSQL ended one transaction of each.",
        "PostgreSQL's log names both statements; slipway status STACK shows which version runs",
    )
