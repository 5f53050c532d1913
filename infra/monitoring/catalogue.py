"""The catalogue: every alert, recorded figure and dashboard of a stack, only of what the stack has."""

from __future__ import annotations

from dataclasses import replace

from infra.monitoring import needs, slo
from infra.monitoring.alert import Alert
from infra.monitoring.alerts import (
    backups,
    cache,
    certificates,
    database,
    deployment,
    logs,
    monitoring,
    nodes,
    service,
    watcher,
)
from infra.monitoring.alerts import slo as slo_alerts
from infra.monitoring.dashboards import backups as backups_board
from infra.monitoring.dashboards import kubernetes as kubernetes_board
from infra.monitoring.dashboards import modules as modules_board
from infra.monitoring.dashboards import monitoring as monitoring_board
from infra.monitoring.dashboards import postgres as postgres_board
from infra.monitoring.dashboards import redis as redis_board
from infra.monitoring.dashboards import service as service_board
from infra.monitoring.dashboards import slo as slo_board
from infra.monitoring.panel import Board, Panel, Row
from infra.monitoring.recording import RecordingGroup
from infra.settings.model import Settings

WATCHER = "watcher"  # of the second Prometheus; all others are the first one's
GROUPS = {
    "service": service.alerts,
    "database": database.alerts,
    "cache": cache.alerts,
    "backups": backups.alerts,
    "nodes": nodes.alerts,
    "deployment": deployment.alerts,
    "certificates": certificates.alerts,
    "monitoring": monitoring.alerts,
    "logs": logs.alerts,
    "slo": slo_alerts.alerts,
    WATCHER: watcher.alerts,
}

BOARDS = (
    service_board.board,
    modules_board.board,
    slo_board.board,
    postgres_board.board,
    redis_board.board,
    backups_board.board,
    kubernetes_board.board,
    monitoring_board.board,
)


def groups(settings: Settings) -> dict[str, tuple[Alert, ...]]:
    """Name of the group → its alerts; groups without any are left out."""
    made = {name: alerts(settings) for name, alerts in GROUPS.items()}
    return {name: alerts for name, alerts in made.items() if alerts}


def own_groups(settings: Settings) -> dict[str, tuple[Alert, ...]]:
    """Those that the stack's Prometheus evaluates."""
    return {name: alerts for name, alerts in groups(settings).items() if name != WATCHER}


def alerts(settings: Settings) -> dict[str, Alert]:
    """Name → alert, of all groups."""
    return {alert.name: alert for group in groups(settings).values() for alert in group}


def recordings(settings: Settings) -> tuple[RecordingGroup, ...]:
    """What is worked out ahead, in the order of evaluation."""
    return slo.recordings(settings)


def boards(settings: Settings) -> tuple[Board, ...]:
    """The dashboards, with the panels and names of alerts that the stack has."""
    known = alerts(settings)
    made = (board(settings) for board in BOARDS)
    kept = (_kept(board, settings, known) for board in made if needs.met(board.need, settings))
    return tuple(board for board in kept if board.rows)


def panels_of_alerts(settings: Settings) -> dict[str, tuple[Board, Panel]]:
    """Name of an alert → the panel that shows what it speaks of, and its dashboard."""
    return {
        name: (board, panel) for board in boards(settings) for panel in board.panels for name in panel.alerts
    }


def _kept(board: Board, settings: Settings, known: dict[str, Alert]) -> Board:
    rows = []
    for row in board.rows:
        panels = tuple(
            replace(panel, alerts=tuple(name for name in panel.alerts if name in known))
            for panel in row.panels
            if needs.met(panel.need, settings)
        )
        rows += [Row(row.title, panels)] if panels else []
    return replace(board, rows=tuple(rows))
