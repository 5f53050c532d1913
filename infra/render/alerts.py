"""Alerts and recorded figures as a rule file of Prometheus; promtool checks it in tests."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import yaml

from infra.monitoring.alert import Alert
from infra.monitoring.recording import RecordingGroup

# A service whose database is back is healthy again within a minute, and its health is counted over one.
LINGERS = "2m"
NOTHING: Mapping[str, str] = MappingProxyType({})


def rules(
    groups: Mapping[str, Sequence[Alert]],
    recordings: Sequence[RecordingGroup] = (),
    panels: Mapping[str, str] = NOTHING,
    causes: Collection[str] = (),
) -> str:
    """The rule file's text (prometheus.io, "Recording rules", "Alerting rules"). ``panels`` and ``causes`` as
    in as_data."""
    made = {"groups": as_data(groups, recordings, panels=panels, causes=causes)}
    return yaml.safe_dump(made, sort_keys=False, allow_unicode=True, width=110)


def as_data(
    groups: Mapping[str, Sequence[Alert]],
    recordings: Sequence[RecordingGroup],
    labels: Mapping[str, str] = NOTHING,
    panels: Mapping[str, str] = NOTHING,
    causes: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The groups in the order of evaluation; every alert carries ``labels`` over those of its series.
    ``panels``: name of an alert → where its panel is; its dashboard's name without it. ``causes``: those
    that stay a little longer than they are true, so that what follows from them is over before."""
    made = [_recorded(group) for group in recordings]
    return made + [
        {"name": name, "rules": [_rule(alert, labels, panels, causes) for alert in alerts]}
        for name, alerts in groups.items()
    ]


def _recorded(group: RecordingGroup) -> dict[str, Any]:
    interval = {"interval": group.interval} if group.interval else {}
    rules = [{"record": rule.name, "expr": rule.expression} for rule in group.rules]
    return {"name": group.name, **interval, "rules": rules}


def _rule(
    alert: Alert, labels: Mapping[str, str], panels: Mapping[str, str], causes: Collection[str]
) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasts,
        **({"keep_firing_for": LINGERS} if alert.name in causes else {}),
        "labels": {"severity": alert.severity.value, "part": alert.part.value, **labels},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "remedy": alert.remedy,
            "runbook": alert.runbook,
            "dashboard": panels.get(alert.name, alert.dashboard.value),
        },
    }
