"""Logs: whether lines are read, arrive, and can still be stored (VictoriaLogs and vlagent 1.52)."""

from __future__ import annotations

from functools import partial

from infra.monitoring import needs
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here
from infra.names import LOGS_COLLECTOR
from infra.settings.logs import Store
from infra.settings.model import Settings

# A store's pod that moves to another node takes its volume along, which clouds need some minutes for; what
# is read meanwhile waits on the nodes.
AWAY = "10m"
# A quiet stack says something every minute: Prometheus' and PostgreSQL's lines are among the read ones.
COMPARED = "15m"
STORES = "|".join(store.component for store in Store)
READ_BY, STORED_BY = f'part="{LOGS_COLLECTOR}"', f'part=~"{STORES}"'
_alert = partial(Alert, Part.LOGS, Dashboard.MONITORING)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """None where lines are not kept. All are warnings: nobody's request fails for want of a log."""
    if not needs.met(Need.LOGS, settings):
        return ()
    return (
        _not_watched(settings),
        _store_down(settings),
        _store_full(settings),
        _not_arriving(settings),
        _dropped(settings),
    )


def rows(settings: Settings, who: str, within: str, function: str = "increase") -> str:
    """Lines by the store that they are for. ``who``: a matcher, READ_BY or STORED_BY."""
    return f"sum by (namespace, store) ({function}(vl_rows_ingested_total{here(settings, who)}[{within}]))"


def answers(settings: Settings) -> str:
    """Whether each store does."""
    return f"up{here(settings, STORED_BY)}"


def full(settings: Settings) -> str:
    """1 where a store's volume takes nothing more."""
    return f"max by (namespace, part) (vl_storage_is_read_only{here(settings)})"


def dropped(settings: Settings) -> tuple[str, str]:
    """Lines that a store refused, and packets of them that a collector gave up, within 10 minutes."""
    # Lines older than the retention are dropped when a new stack is first read: that is no loss.
    lost = here(settings, 'reason!="too_small_timestamp"')
    return (
        f"sum by (namespace, store) (increase(vl_rows_dropped_total{lost}[10m]))",
        "sum by (namespace, store)"
        f" (increase(vlagent_remotewrite_packets_dropped_total{here(settings)}[10m]))",
    )


def _not_watched(settings: Settings) -> Alert:
    chosen = here(settings)
    read = here(settings, READ_BY)
    return _alert(
        "LogsNotWatched",
        Severity.WARNING,
        f"absent(vl_storage_is_read_only{chosen}) or absent(vl_rows_ingested_total{read})",
        AWAY,
        "Nobody watches the logs",
        "For ten minutes there have been no figures of the stores or of what reads for them: other alerts "
        "on logs cannot fire.",
        "slipway status STACK says whether the pods run",
    )


def _store_down(settings: Settings) -> Alert:
    return _alert(
        "LogStoreDown",
        Severity.WARNING,
        f"{answers(settings)} == 0",
        AWAY,
        "A store of logs does not answer",
        "{{ $labels.part }} has not answered for ten minutes. New lines wait on the nodes and are lost only "
        "when 540 MB of them wait on one; nothing can be searched meanwhile.",
        "slipway status STACK says whether its pod runs, and why not",
    )


def _store_full(settings: Settings) -> Alert:
    return _alert(
        "LogStoreFull",
        Severity.WARNING,
        f"{full(settings)} == 1",
        "1m",
        "A store of logs takes nothing more",
        "The volume of {{ $labels.part }} is full: what is there can be searched, and new lines wait on "
        "the nodes.",
        "slipway explain STACK logs.service.storage (or logs.parts.storage); the runbook says what fills it",
    )


def _not_arriving(settings: Settings) -> Alert:
    return _alert(
        "LogsNotArriving",
        Severity.WARNING,
        f"{rows(settings, READ_BY, COMPARED)} > 0 unless {rows(settings, STORED_BY, COMPARED)} > 0",
        "5m",
        "Lines are read and do not arrive",
        "{{ $value | humanize }} lines for the store {{ $labels.store }} were read in 15 minutes, and "
        "it took none.",
        "slipway status STACK; kubectl -n NAMESPACE-logs logs names what the store answers",
    )


def _dropped(settings: Settings) -> Alert:
    return _alert(
        "LogsDropped",
        Severity.WARNING,
        " or ".join(f"{each} > 0" for each in dropped(settings)),
        "1m",
        "Lines are lost",
        "{{ $value | humanize }} lines or packets of them for the store {{ $labels.store }} were dropped in "
        "10 minutes.",
        "slipway status STACK; kubectl -n NAMESPACE-logs logs says what was dropped",
    )
