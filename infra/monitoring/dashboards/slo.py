"""What was promised: how much of the error budget is left, and how fast it goes in each window."""

from __future__ import annotations

from infra.monitoring import slo
from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts.slo import slo_promise
from infra.monitoring.needs import Need
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit
from infra.monitoring.promql import duration
from infra.monitoring.slo import Burn, Objective
from infra.settings.model import Settings


def board(settings: Settings) -> Board:
    """A row for each objective, of figures that Prometheus works out ahead."""
    return Board(
        Dashboard.SLO,
        "Service level",
        f"The error budget of {settings.slo.window}: what is left, and how fast it goes.",
        tuple(
            Row(f"{each.name.title()}: {slo_promise(settings, each)}", _panels(settings, each))
            for each in slo.objectives(settings)
        ),
        need=Need.PROMISE,
    )


def _panels(settings: Settings, objective: Objective) -> tuple[Panel, ...]:
    left = (Query(objective.remaining(), "left"),)
    overdrawn = (Threshold(0, Severity.CRITICAL, below=True),)
    title = objective.name.title()
    return (
        Panel(
            f"slo-{objective.name}-left-now",
            "Budget left",
            Unit.SHARE,
            left,
            f"Of {objective.budget * 100:.4g} % of all requests; below 0 it is overdrawn.",
            Kind.STAT,
            overdrawn,
        ),
        Panel(
            f"slo-{objective.name}-bad-now",
            "Bad requests",
            Unit.REQUESTS,
            (Query(objective.rate(), "bad"),),
            "Per second, over five minutes.",
            Kind.STAT,
        ),
        Panel(
            f"slo-{objective.name}-left",
            f"{title}: budget left",
            Unit.SHARE,
            left,
            f"What may still go wrong within {settings.slo.window}.",
            thresholds=overdrawn,
        ),
        _burns(settings, objective, slo.FAST, "Fast", Severity.CRITICAL),
        _burns(settings, objective, slo.SLOW, "Slowly", Severity.WARNING),
    )


def _burns(
    settings: Settings, objective: Objective, burns: tuple[Burn, ...], word: str, severity: Severity
) -> Panel:
    found = objective.burns(burns, settings.slo.days)
    windows = sorted({minutes for burn in found for minutes in (burn.long, burn.short)})
    return Panel(
        f"slo-{objective.name}-burns-{word.lower()}",
        f"{objective.name.title()}: burn rate, {word.lower()}",
        Unit.NUMBER,
        tuple(Query(slo.burn_rate(objective, minutes), f"over {duration(minutes)}") for minutes in windows),
        "At 1 the budget lasts exactly as long as promised. Told when both windows of a pair are above "
        "their line.",
        thresholds=tuple(Threshold(burn.rate, severity) for burn in found),
        alerts=(f"Slo{objective.name.title()}Burns{word}",),
    )
