"""Panels fill the grid: nothing overlaps, nothing is left empty, neighbours have one height."""

from __future__ import annotations

import pytest

from infra.monitoring import catalogue
from infra.monitoring.layout import COLUMNS, LARGE, SMALL, Placed, placed
from infra.monitoring.panel import Board, Panel
from tests.infra.monitoring import stacks

pytestmark = pytest.mark.unit
BOARDS = [*catalogue.boards(stacks.full()), *catalogue.boards(stacks.sandbox())]


def cells(place: Placed) -> set[tuple[int, int]]:
    return {
        (x, y) for x in range(place.x, place.x + place.width) for y in range(place.y, place.y + place.height)
    }


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_every_cell_of_the_grid_belongs_to_one_panel_or_heading(board: Board) -> None:
    found = [cell for place in placed(board) for cell in cells(place)]
    height = max(y for _, y in found) + 1
    assert len(found) == len(set(found)) == COLUMNS * height


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_large_values_never_stand_beside_graphs(board: Board) -> None:
    lines: dict[int, set[str]] = {}
    for place in placed(board):
        if isinstance(place.what, Panel):
            lines.setdefault(place.y, set()).add(place.what.kind)
    assert not [kinds for kinds in lines.values() if kinds & SMALL and kinds & LARGE]


def test_all_panels_are_placed_in_their_order() -> None:
    for board in BOARDS:
        assert tuple(each.what for each in placed(board) if isinstance(each.what, Panel)) == board.panels
