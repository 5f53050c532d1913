"""The monitoring itself: whether figures come, rules are evaluated, and somebody hears of it."""

from __future__ import annotations

from functools import partial

from infra.monitoring import needs
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here, rate_window
from infra.settings.model import Settings

# An exporter's pod that moves to another node is back after a few minutes.
AWAY = "10m"
RULE_FAILURES = "increase(prometheus_rule_evaluation_failures_total[5m])"
FOUND = "prometheus_notifications_alertmanagers_discovered"
NOT_DELIVERED = "sum by (integration) (increase(alertmanager_notifications_failed_total[5m]))"
# What nobody watches: alert → its figure, what it is, and whether the figure carries the stack's namespace.
WATCHED: tuple[tuple[str, str, str, bool], ...] = (
    ("DatabaseNotWatched", "pg_up", "the database", True),
    ("CacheNotWatched", "redis_up", "the cache", True),
    ("VolumesNotWatched", "kubelet_volume_stats_available_bytes", "the volumes", True),
    ("NodesNotWatched", "node_uname_info", "the nodes", False),
    ("ClusterNotWatched", "kube_node_info", "what Kubernetes makes of the stack", False),
)
_alert = partial(Alert, Part.MONITORING, Dashboard.MONITORING)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """The service is watched where it has /metrics; another's Prometheus is watched by whose it is."""
    watched = WATCHED
    if needs.met(Need.FIGURES, settings):
        watched = (("ServiceNotWatched", "service_info", "the service", True), *watched)
    absent = tuple(_not_watched(settings, *each) for each in watched)
    if settings.monitoring.operator:
        return absent
    return (
        _watchdog(),
        *absent,
        _reload_failed("Prometheus"),
        _reload_failed("Alertmanager"),
        _rules_fail(),
        _cannot_notify(settings),
        _notifications_fail(),
    )


def _watchdog() -> Alert:
    return _alert(
        "Watchdog",
        Severity.NONE,
        "vector(1)",
        "0s",
        "The monitoring works",
        "This alert fires all the time. Whoever receives it raises the alarm when it does not come any more.",
        "slipway status STACK, when it does not come",
    )


def _not_watched(settings: Settings, name: str, metric: str, what: str, own: bool) -> Alert:
    return _alert(
        name,
        Severity.WARNING,
        f"absent({metric}{here(settings) if own else ''})",
        AWAY,
        f"Nobody watches {what}",
        f"For ten minutes there has been no figure {metric}: alerts about {what} cannot fire.",
        "slipway status STACK says whether the exporter's pod runs",
    )


def reloaded(server: str) -> str:
    """Whether Prometheus or Alertmanager took its last configuration."""
    return f"{server.lower()}_config_last_reload_successful"


def _reload_failed(server: str) -> Alert:
    return _alert(
        f"{server}ReloadFailed",
        Severity.WARNING,
        f"{reloaded(server)} == 0",
        "5m",
        f"{server} did not take its new configuration",
        f"{server} goes on with the old one, and will not start with the new one.",
        "slipway check STACK; its log names the line",
    )


def _rules_fail() -> Alert:
    return _alert(
        "PrometheusRulesFail",
        Severity.CRITICAL,
        f"{RULE_FAILURES} > 0",
        "5m",
        "Prometheus cannot evaluate its rules",
        "{{ $value | humanize }} evaluations failed in 5 minutes: alerts of "
        "{{ $labels.rule_group }} may not fire.",
        "slipway status STACK; Prometheus' page Rules shows the error",
    )


def not_sent(settings: Settings) -> tuple[str, str]:
    """Alerts of the last minutes that Alertmanager did not take, and those that waited too long for it."""
    errors, dropped = (
        f"increase(prometheus_notifications_{what}_total[{rate_window(settings)}])"
        for what in ("errors", "dropped")
    )
    return errors, dropped


def _cannot_notify(settings: Settings) -> Alert:
    return _alert(
        "PrometheusCannotNotify",
        Severity.CRITICAL,
        " or ".join([f"{FOUND} == 0", *(f"{each} > 0" for each in not_sent(settings))]),
        "3m",
        "Prometheus does not reach Alertmanager",
        "Alerts fire and nobody is told.",
        "slipway status STACK says whether Alertmanager's pod runs",
    )


def _notifications_fail() -> Alert:
    return _alert(
        "NotificationsFail",
        Severity.CRITICAL,
        f"{NOT_DELIVERED} > 0",
        "1m",
        "Alertmanager's messages do not arrive",
        "Messages by {{ $labels.integration }} were refused in the last 5 minutes.",
        "slipway status STACK; Alertmanager's log names the answer of the receiver",
    )
