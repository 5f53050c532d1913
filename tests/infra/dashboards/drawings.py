"""Dashboards with made-up data, as infra/dashboards/read.py would give them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from infra.dashboards.read import Picture, Series, Shown
from infra.monitoring.alert import Dashboard
from infra.monitoring.panel import Board, Panel, Row

START, SECONDS, STEP = 1_800_000_000.0, 3600, 15


def series(legend: str, value: Callable[[float], float] = lambda _: 1.0) -> Series:
    """A value at each step; ``value`` gets the share of the time that is over."""
    moments = [START + index * STEP for index in range(SECONDS // STEP + 1)]
    return Series(legend, tuple((each, value((each - START) / SECONDS)) for each in moments))


def wave(share: float) -> float:
    return 1 + math.sin(share * 12)


def picture(panels: Sequence[tuple[Panel, Sequence[Series]]]) -> Picture:
    """A dashboard of these panels."""
    row = Row("Row", tuple(panel for panel, _ in panels))
    board = Board(Dashboard.SERVICE, "Title", "What it is.", (row,))
    shown = {panel.key: Shown(panel, tuple(found), ()) for panel, found in panels}
    return Picture("sandbox", board, shown, START, START + SECONDS, STEP)
