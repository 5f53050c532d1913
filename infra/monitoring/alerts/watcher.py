"""What Prometheus cannot say of itself: a second one, beside Alertmanager, looks at nothing else."""

from __future__ import annotations

from functools import partial

from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.settings.model import Settings

# A StatefulSet's pod that is replaced is away for half a minute; after a kill its log is read again first.
AWAY = "2m"
_alert = partial(Alert, Part.MONITORING, Dashboard.MONITORING)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Told by the watcher, and by nobody else: who is away tells nothing. None of another's server."""
    return () if settings.monitoring.operator else (_prometheus_down(),)


def _prometheus_down() -> Alert:
    return _alert(
        "PrometheusDown",
        Severity.CRITICAL,
        'up{job="prometheus"} == 0',
        AWAY,
        "Prometheus does not run",
        "For two minutes Prometheus has not answered: no figure is read and no other alert can fire.",
        "slipway status STACK names the pod and its last words",
    )
