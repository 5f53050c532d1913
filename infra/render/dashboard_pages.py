"""docs/dashboards/README.md: every dashboard and panel that a stack can have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from infra.monitoring import catalogue
from infra.monitoring.panel import Board, Row
from infra.render.environment import render
from infra.settings.model import Settings


def text(stacks: Sequence[Settings]) -> str:
    """The page of what these stacks have together; the first one's words stand where two have a panel."""
    return render("docs/dashboards.md.j2", boards=_together(stacks))


def _together(stacks: Sequence[Settings]) -> list[Board]:
    found: dict[str, Board] = {}
    for settings in stacks:
        for board in catalogue.boards(settings):
            there = found.get(board.uid)
            found[board.uid] = _joined(there, board) if there else board
    return list(found.values())


def _joined(first: Board, second: Board) -> Board:
    """Rows by their titles, panels by their keys, in the first one's order and then the second's."""
    rows: dict[str, Row] = {}
    for row in (*first.rows, *second.rows):
        there = rows[row.title].panels if row.title in rows else ()
        panels = {panel.key: panel for panel in (*row.panels, *there)}
        ordered = dict.fromkeys(panel.key for panel in (*there, *row.panels))
        rows[row.title] = Row(row.title, tuple(panels[key] for key in ordered))
    return replace(first, rows=tuple(rows.values()))
