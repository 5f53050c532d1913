"""Alerts and recorded figures as a rule file of Prometheus; promtool checks it in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from infra.monitoring.alert import Alert
from infra.monitoring.recording import RecordingGroup


def rules(groups: Mapping[str, Sequence[Alert]], recordings: Sequence[RecordingGroup] = ()) -> str:
    """The rule file's text (prometheus.io, "Recording rules", "Alerting rules")."""
    made = [_recorded(group) for group in recordings]
    made += [{"name": name, "rules": [_rule(alert) for alert in alerts]} for name, alerts in groups.items()]
    return yaml.safe_dump({"groups": made}, sort_keys=False, allow_unicode=True, width=110)


def _recorded(group: RecordingGroup) -> dict[str, Any]:
    interval = {"interval": group.interval} if group.interval else {}
    rules = [{"record": rule.name, "expr": rule.expression} for rule in group.rules]
    return {"name": group.name, **interval, "rules": rules}


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasts,
        "labels": {"severity": alert.severity.value, "part": alert.part.value},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "remedy": alert.remedy,
            "runbook": alert.runbook,
            "dashboard": alert.dashboard.value,
        },
    }
