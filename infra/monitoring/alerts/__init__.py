"""The catalogue: every alert of a stack, only of what the stack has."""

from __future__ import annotations

from infra.monitoring.alert import Alert
from infra.monitoring.alerts import backups
from infra.settings.model import Settings

GROUPS = {"backups": backups.alerts}


def groups(settings: Settings) -> dict[str, tuple[Alert, ...]]:
    """Name of the group → its alerts; groups without any are left out."""
    made = {name: alerts(settings) for name, alerts in GROUPS.items()}
    return {name: alerts for name, alerts in made.items() if alerts}
