"""What a stack's Prometheus says of each panel, now or over a time (its HTTP API, version 1)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx

from infra import alerting
from infra.alerting import Place
from infra.errors import UserError
from infra.monitoring.panel import AT_ONE_MOMENT, Board, Panel, Query
from infra.monitoring.variables import Window, resolved

LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(frozen=True)
class Series:
    """``points``: seconds since 1970 and values, in the order of time; finite ones alone."""

    legend: str
    points: tuple[tuple[float, float], ...]

    @property
    def last(self) -> float:
        """The newest value."""
        return self.points[-1][1]


@dataclass(frozen=True)
class Shown:
    """A panel and its series in the order of its queries; ``lacking``: legends of queries without any."""

    panel: Panel
    series: tuple[Series, ...]
    lacking: tuple[str, ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to see."""
        return not self.series


@dataclass(frozen=True)
class Picture:
    """A dashboard with its data. ``start``, ``end``: the time that it shows, seconds since 1970; ``step``:
    seconds between two points."""

    stack: str
    board: Board
    shown: Mapping[str, Shown]
    start: float
    end: float
    step: int

    def current(self, series: Series) -> bool:
        """Whether it still has a value."""
        return series.points[-1][0] > self.end - 2 * self.step


def now(where: Place, boards: Iterable[Board], window: Window, moment: datetime) -> list[Picture]:
    """The newest value of every series. Raises UserError where Prometheus does not answer or refuses."""
    with alerting.client(where, where.prometheus) as server:
        return [_picture(_Asked(where, server, board, window, moment, instant=True)) for board in boards]


def over(where: Place, boards: Iterable[Board], window: Window, moment: datetime) -> list[Picture]:
    """Every series from ``window.seconds`` before the moment on. Raises UserError as ``now``."""
    with alerting.client(where, where.prometheus) as server:
        return [_picture(_Asked(where, server, board, window, moment, instant=False)) for board in boards]


@dataclass(frozen=True)
class _Asked:
    where: Place
    server: httpx.Client
    board: Board
    window: Window
    moment: datetime
    instant: bool

    def series(self, panel: Panel, query: Query) -> list[Series]:
        expression = resolved(query.expression, self.board, self.window)
        instant = self.instant or panel.kind in AT_ONE_MOMENT
        found = alerting.answered(self.where, self._get(expression, instant=instant))["data"]["result"]
        made = (Series(legend(query.legend, row["metric"]), tuple(_points(row))) for row in found)
        return sorted((each for each in made if each.points), key=lambda each: each.legend)

    def _get(self, expression: str, *, instant: bool) -> httpx.Response:
        end = self.moment.timestamp()
        asked: dict[str, str | float] = {"query": expression}
        if instant:
            return self.server.get("/api/v1/query", params={**asked, "time": end})
        step = self.window.step
        # On whole steps, as Grafana does it: the same graph a second later has the same points.
        first, last = (math.floor(each / step) * step for each in (end - self.window.seconds, end))
        times = {"start": first, "end": last, "step": step}
        return self.server.get("/api/v1/query_range", params={**asked, **times})


def _picture(asked: _Asked) -> Picture:
    end = asked.moment.timestamp()
    shown = {panel.key: _shown(asked, panel) for panel in asked.board.panels}
    return Picture(asked.where.stack, asked.board, shown, end - asked.window.seconds, end, asked.window.step)


def _shown(asked: _Asked, panel: Panel) -> Shown:
    try:
        found = [(query, asked.series(panel, query)) for query in panel.queries]
    except UserError as error:
        error.add_note(f"panel {panel.key}")
        raise
    lacking = tuple(query.legend for query, series in found if not series)
    return Shown(panel, tuple(each for _, series in found for each in series), lacking)


def _points(row: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    """NaN is a division by nothing: there is no value then."""
    for moment, value in row.get("values") or [row["value"]]:
        if math.isfinite(number := float(value)):
            yield float(moment), number


def legend(template: str, labels: Mapping[str, str]) -> str:
    """As Grafana writes it; a label that a series lacks is left out."""
    return LABEL.sub(lambda found: labels.get(found[1], ""), template).strip()
