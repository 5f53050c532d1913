"""Alerts as a rule file of Prometheus; promtool checks it in tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from infra.monitoring.alert import Alert


def rules(groups: Mapping[str, Sequence[Alert]]) -> str:
    """The rule file's text (prometheus.io, "Alerting rules")."""
    made = [{"name": name, "rules": [_rule(alert) for alert in alerts]} for name, alerts in groups.items()]
    return yaml.safe_dump({"groups": made}, sort_keys=False, allow_unicode=True, width=110)


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expression,
        "for": alert.lasts,
        "labels": {"severity": alert.severity.value},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "remedy": alert.remedy,
            "runbook": alert.runbook,
        },
    }
