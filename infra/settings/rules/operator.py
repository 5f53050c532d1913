"""Rules on a cluster whose prometheus-operator measures the stack: what it takes, and what it has itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding

# What belongs to a Prometheus and an Alertmanager of the stack's own.
OWN = (
    "retention_days",
    "retention_size",
    "storage",
    "storage_class",
    "prometheus_resources",
    "alertmanager_resources",
)
# A year of the rules that a zone keeps from now on: the last one that every database of zones writes out.
YEAR = 2037


def operator_is_elsewhere(settings: StackConfig) -> Iterator[Finding]:
    """The sandbox has no prometheus-operator: nothing would read the stack's figures."""
    if settings.cluster.sandbox and settings.monitoring.operator:
        yield Finding(
            ("monitoring", "operator"),
            "true, and the sandbox has no prometheus-operator",
            "leave it out here: the stack then runs a Prometheus of its own",
            also=(("cluster", "sandbox"),),
        )


def operator_labels_stand_once(settings: StackConfig) -> Iterator[Finding]:
    """A label has one value."""
    keys = Counter(label.partition("=")[0] for label in settings.monitoring.operator_labels)
    for key in (key for key, count in keys.items() if count > 1):
        where = ("monitoring", "operator_labels")
        yield Finding(where, f"{key} stands twice", "name each label once")


def heartbeat_is_the_clusters(settings: StackConfig) -> Iterator[Finding]:
    """Who runs the cluster's Alertmanager is told when it stops: a stack's sign of life would say no more."""
    minutes = settings.monitoring.receivers.heartbeat.every_minutes
    if settings.monitoring.operator and minutes is not None:
        yield Finding(
            ("monitoring", "receivers", "heartbeat", "every_minutes"),
            f"{minutes}, and monitoring.operator is true: the cluster's Alertmanager has its own",
            "take it out",
            also=(("monitoring", "operator"),),
        )


def quiet_hours_are_the_operators(settings: StackConfig) -> Iterator[Finding]:
    """AlertmanagerConfig knows times of day in UTC only: a clock that is changed twice a year has none."""
    monitoring = settings.monitoring
    zone = monitoring.quiet_hours.time_zone
    if monitoring.operator and monitoring.quiet_hours.start and utc_offset(zone) is None:
        yield Finding(
            ("monitoring", "quiet_hours", "time_zone"),
            f"{zone} changes its clock twice a year, and monitoring.operator is true: the operator's quiet "
            "hours are in UTC",
            "use UTC, or a zone that does not change its clock, such as Etc/GMT-1",
            also=(("monitoring", "operator"),),
        )


def utc_offset(zone: str) -> timedelta | None:
    """How far the zone's clock is ahead of UTC all year; None where that changes."""
    months = (datetime(YEAR, month, 1, tzinfo=ZoneInfo(zone)) for month in range(1, 13))
    offsets = {moment.utcoffset() for moment in months}
    return offsets.pop() if len(offsets) == 1 else None


def own_server_is_not_run(settings: StackConfig) -> Iterator[Finding]:
    """Accepted, as a profile sets these for all stacks; told where the stack's own file does."""
    if not (settings.monitoring.enabled and settings.monitoring.operator):
        return
    for key in OWN:
        yield Finding(
            ("monitoring", key),
            "does nothing here: monitoring.operator is true, and the cluster's Prometheus and Alertmanager "
            "have their own",
            "take it out",
            rule="operator-has-its-own",
            own=True,
        )
