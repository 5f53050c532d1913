"""The catalogue: every alert and recorded figure of a stack, only of what the stack has."""

from __future__ import annotations

from infra.monitoring import slo
from infra.monitoring.alert import Alert
from infra.monitoring.alerts import (
    backups,
    cache,
    certificates,
    database,
    deployment,
    monitoring,
    nodes,
    service,
    watcher,
)
from infra.monitoring.alerts import slo as slo_alerts
from infra.monitoring.recording import RecordingGroup
from infra.settings.model import Settings

WATCHER = "watcher"  # of the second Prometheus; all others are the first one's
GROUPS = {
    "service": service.alerts,
    "database": database.alerts,
    "cache": cache.alerts,
    "backups": backups.alerts,
    "nodes": nodes.alerts,
    "deployment": deployment.alerts,
    "certificates": certificates.alerts,
    "monitoring": monitoring.alerts,
    "slo": slo_alerts.alerts,
    WATCHER: watcher.alerts,
}


def groups(settings: Settings) -> dict[str, tuple[Alert, ...]]:
    """Name of the group → its alerts; groups without any are left out."""
    made = {name: alerts(settings) for name, alerts in GROUPS.items()}
    return {name: alerts for name, alerts in made.items() if alerts}


def own_groups(settings: Settings) -> dict[str, tuple[Alert, ...]]:
    """Those that the stack's Prometheus evaluates."""
    return {name: alerts for name, alerts in groups(settings).items() if name != WATCHER}


def alerts(settings: Settings) -> dict[str, Alert]:
    """Name → alert, of all groups."""
    return {alert.name: alert for group in groups(settings).values() for alert in group}


def recordings(settings: Settings) -> tuple[RecordingGroup, ...]:
    """What is worked out ahead, in the order of evaluation."""
    return slo.recordings(settings)
