"""The monitoring itself: whether figures come, rules are evaluated, and somebody hears of it."""

from __future__ import annotations

from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import monitoring
from infra.monitoring.dashboards import logs
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit
from infra.monitoring.promql import BETWEEN
from infra.settings.model import Settings

PARTS = 'job=~"prometheus|alertmanager"'


def board(settings: Settings) -> Board:
    """A Prometheus and an Alertmanager of the stack's own: nothing has to be chosen by namespace."""
    return Board(
        Dashboard.MONITORING,
        "Monitoring",
        "Whether the other dashboards can be believed.",
        (
            Row("Figures", _figures()),
            Row("Rules and alerts", (*_rules(), _reloaded())),
            Row("Notifications", _notifications(settings)),
            Row("Logs", logs.panels(settings)),
            Row("What it costs", _costs()),
        ),
    )


def _figures() -> tuple[Panel, ...]:
    return (
        Panel(
            "monitoring-targets",
            "What is watched answers",
            Unit.NUMBER,
            (Query("min by (job) (up)", "{{job}}"),),
            "A job is bad as soon as one of its targets does not answer.",
            Kind.STATES,
            alerts=(
                "PrometheusDown",
                "ServiceNotWatched",
                *(name for name, *_ in monitoring.WATCHED),
            ),
        ),
        Panel(
            "monitoring-scrapes",
            "Duration of scrapes",
            Unit.SECONDS,
            (Query("max by (job) (scrape_duration_seconds)", "{{job}}"),),
            "A scrape that takes longer than its time-out is lost as a whole.",
        ),
        Panel(
            "monitoring-samples",
            "Series by job",
            Unit.NUMBER,
            (Query("sum by (job) (scrape_samples_post_metric_relabeling)", "{{job}}"),),
            "What stays of each scrape.",
            Kind.BARS,
        ),
    )


def _rules() -> tuple[Panel, ...]:
    firing = 'count by (severity) (ALERTS{alertstate="firing"})'
    # The label is the file's path, a semicolon and the name.
    named = (
        'label_replace(prometheus_rule_group_last_duration_seconds, "group", "$1", "rule_group", ".*;(.*)")'
    )
    return (
        Panel(
            "monitoring-firing",
            "Alerts that fire",
            Unit.NUMBER,
            (Query(firing, "{{severity}}"),),
            "One of severity none is the watchdog, which always does.",
            Kind.STACK,
            alerts=("Watchdog",),
        ),
        Panel(
            "monitoring-rule-failures",
            "Evaluations of rules that failed within 5 minutes",
            Unit.NUMBER,
            (Query(f"sum by (job) ({monitoring.RULE_FAILURES})", "failed"),),
            "Alerts of such a group may not fire.",
            thresholds=(Threshold(0, Severity.CRITICAL),),
            alerts=("PrometheusRulesFail",),
        ),
        Panel(
            "monitoring-rule-seconds",
            "Duration of rules",
            Unit.SECONDS,
            (Query(f"max by (group) ({named})", "{{group}}"),),
            "What the last evaluation of each group took.",
        ),
    )


def _reloaded() -> Panel:
    servers = ("Prometheus", "Alertmanager")
    return Panel(
        "monitoring-reloaded",
        "The last configuration was taken",
        Unit.NUMBER,
        tuple(Query(monitoring.reloaded(server), server) for server in servers),
        "Bad: the old one stays, and the server would not start again.",
        Kind.STATES,
        alerts=tuple(f"{server}ReloadFailed" for server in servers),
    )


def _notifications(settings: Settings) -> tuple[Panel, ...]:
    errors, dropped = monitoring.not_sent(settings)
    sent = "sum by (integration) (increase(alertmanager_notifications_total[5m]))"
    return (
        Panel(
            "monitoring-alertmanager",
            "From Prometheus to Alertmanager",
            Unit.NUMBER,
            (
                Query(f"max by (job) ({monitoring.FOUND})", "Alertmanagers known"),
                Query(f"sum by (job) ({errors})", "not sent"),
                Query(f"sum by (job) ({dropped})", "dropped"),
            ),
            "One Alertmanager and nothing else above 0 is as it should be.",
            alerts=("PrometheusCannotNotify",),
        ),
        Panel(
            "monitoring-sent",
            "Messages within 5 minutes",
            Unit.NUMBER,
            (Query(sent, "{{integration}}"),),
            "By the way they took.",
            Kind.STACK,
        ),
        Panel(
            "monitoring-not-delivered",
            "Messages that did not arrive within 5 minutes",
            Unit.NUMBER,
            (Query(monitoring.NOT_DELIVERED, "{{integration}}"),),
            "The receiver refused them, or was away.",
            thresholds=(Threshold(0, Severity.CRITICAL),),
            alerts=("NotificationsFail",),
        ),
    )


def _costs() -> tuple[Panel, ...]:
    return (
        Panel(
            "monitoring-cpu",
            "CPU",
            Unit.CORES,
            (Query(f"sum by (job) (rate(process_cpu_seconds_total{{{PARTS}}}[{BETWEEN}]))", "{{job}}"),),
            "Cores.",
            Kind.STACK,
        ),
        Panel(
            "monitoring-memory",
            "Memory",
            Unit.BYTES,
            (Query(f"sum by (job) (process_resident_memory_bytes{{{PARTS}}})", "{{job}}"),),
            "Resident bytes.",
            Kind.STACK,
        ),
        Panel(
            "monitoring-series",
            "Series in memory",
            Unit.NUMBER,
            (Query("max by (job) (prometheus_tsdb_head_series)", "series"),),
            "Each takes a few kilobytes of Prometheus' memory.",
        ),
    )
