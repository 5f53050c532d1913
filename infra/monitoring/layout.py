"""Where the panels of a dashboard stand, in Grafana's grid of 24 columns; the drawn pictures use it too."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from infra.monitoring.panel import Board, Kind, Panel, Row

COLUMNS = 24
HEADING = 1  # height of a row's title
SMALL = {Kind.STAT}
LARGE = {Kind.GRAPH, Kind.STACK, Kind.BARS}


@dataclass(frozen=True)
class Placed:
    """A panel, or the heading of a row, and its rectangle: from the left, from the top, columns, rows."""

    what: Panel | Row
    x: int
    y: int
    width: int
    height: int


def placed(board: Board) -> list[Placed]:
    """Headings and panels from the top to the bottom. Every line of panels fills the whole width."""
    found: list[Placed] = []
    y = 0
    for row in board.rows:
        found.append(Placed(row, 0, y, COLUMNS, HEADING))
        y += HEADING
        for line in _lines(row.panels):
            height, x = min(panel.height for panel in line), 0
            for panel, width in zip(line, _widths(line), strict=True):
                found.append(Placed(panel, x, y, width, height))
                x += width
            y += height
    return found


def _lines(panels: Sequence[Panel]) -> Iterator[Sequence[Panel]]:
    """As few as can be, of the same length. Figures and graphs never stand side by side: one of them would
    have the wrong height."""
    for group in _groups(panels):
        count = math.ceil(_width(group) / COLUMNS)
        ends = [round(len(group) * line / count) for line in range(count + 1)]
        yield from (group[start:end] for start, end in itertools.pairwise(ends))


def _groups(panels: Sequence[Panel]) -> Iterator[Sequence[Panel]]:
    group: list[Panel] = []
    for panel in panels:
        kinds = {each.kind for each in (*group, panel)}
        if kinds & SMALL and kinds & LARGE:
            yield group
            group = []
        group.append(panel)
    if group:
        yield group


def _width(line: Sequence[Panel]) -> int:
    return sum(panel.width for panel in line)


def _widths(line: Sequence[Panel]) -> list[int]:
    """Stretched in proportion, in whole columns."""
    total = _width(line)
    ends = [round(COLUMNS * _width(line[:count]) / total) for count in range(len(line) + 1)]
    return [end - start for start, end in itertools.pairwise(ends)]
