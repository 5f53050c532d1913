"""Links between what speaks of one thing: from an alert to its panel, from there to its runbook and logs."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

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


def grafana(settings: Settings) -> str | None:
    """Grafana's address as a browser reaches it, where it is known."""
    monitoring, anyone = settings.monitoring, settings.ingress.certifies_any
    if not (monitoring.enabled and monitoring.grafana.enabled and monitoring.grafana.host):
        return None
    scheme = "https" if monitoring.grafana.tls_secret or anyone else "http"
    return f"{scheme}://{monitoring.grafana.host}"


def runbook(settings: Settings, alert: Alert) -> Link:
    """The page for whoever is woken by the alert."""
    base = settings.monitoring.grafana.runbooks_url
    url = f"{base.rstrip('/')}/{alert.name}.md" if base else None
    return Link(f"Runbook: {alert.name}", url, alert.runbook)


def logs(settings: Settings) -> Link:
    """The errors that the stack's pods have logged: VictoriaLogs' own page, with a query in LogsQL."""
    base = settings.monitoring.grafana.logs_url
    way = f"slipway logs {settings.stack} --level error --since 1h"
    if base is None:
        return Link("Logs", None, way)
    page = f"{base.rstrip('/')}/select/vmui/#/?query={quote('level:=error')}"
    return Link("Logs", f"{page}&g0.range_input=1h&g0.relative_time=last_1_hour", way)
