"""Links between what speaks of one thing: from an alert to its panel, from there to its runbook and logs."""

from __future__ import annotations

from dataclasses import dataclass

from infra.monitoring import catalogue
from infra.monitoring.alert import Alert, Dashboard
from infra.monitoring.panel import Panel
from infra.settings.model import Settings


@dataclass(frozen=True)
class Link:
    """``url`` is None where no page is known: then ``way`` says how a person gets there."""

    title: str
    url: str | None
    way: str


def dashboard(settings: Settings, uid: Dashboard, panel: Panel | None = None) -> str:
    """Grafana's page of a dashboard or of one panel of it; without Grafana the command that draws it."""
    base = grafana(settings)
    if base is None:
        return f"slipway dashboards {settings.stack} {uid}"
    return f"{base}{path(uid, panel)}"


def of_alerts(settings: Settings) -> dict[str, str]:
    """Name of an alert → where its panel is."""
    return {
        name: dashboard(settings, board.uid, panel)
        for name, (board, panel) in catalogue.panels_of_alerts(settings).items()
    }


def path(uid: Dashboard, panel: Panel | None = None) -> str:
    """The page below Grafana's own address."""
    return f"/d/{uid}" + (f"?viewPanel={panel.number}" if panel else "")


def grafana(settings: Settings) -> str | None:  # noqa: ARG001  grafana's section follows
    """Grafana's address as a browser reaches it, where it is known."""
    return None


def runbook(settings: Settings, alert: Alert) -> Link:  # noqa: ARG001
    """The page for whoever is woken by the alert."""
    return Link(f"Runbook: {alert.name}", None, alert.runbook)


def logs(settings: Settings) -> Link:
    """What the stack's pods say in the time that is looked at."""
    return Link("Logs", None, f"slipway logs {settings.stack} --level error --since 1h")
