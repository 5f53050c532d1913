"""The legend below a graph, and the room that it leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath

from infra.dashboards.palette import INK

MOST_ENTRIES = 8
MOST_LETTERS = 46
SIZE = 7.0  # of the letters, in points
LINE_INCHES = 0.155
SIGN_INCHES = 0.16  # the coloured line before an entry
SPACE_INCHES = 0.16  # between two entries
POINTS = 72  # of an inch
RIGHT_INCHES, TOP_INCHES = 0.14, 0.06


@dataclass(frozen=True)
class Inside:
    """The rectangle of a panel below its title, in inches."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Entry:
    """``value``: the newest; empty for a limit."""

    name: str
    value: str
    colour: str
    dashed: bool = False

    @property
    def text(self) -> str:
        """What is written."""
        return short(f"{self.name}  {self.value}".strip(), MOST_LETTERS)


def short(text: str, letters: int) -> str:
    """The text with its middle left out where it is longer: names of pods differ at both ends."""
    if len(text) <= letters:
        return text
    kept = max(2, letters - 1)
    return f"{text[: kept - kept // 2]}…{text[-(kept // 2) :]}"


def shrink(axes: Axes, inside: Inside, *, left: float, bottom: float, right: float = RIGHT_INCHES) -> None:
    """Leaves room for labels: inches at each side of the axes, which fill the panel before."""
    box = axes.get_position()
    x, y = box.width / inside.width, box.height / inside.height
    axes.set_position(
        (
            box.x0 + left * x,
            box.y0 + bottom * y,
            (inside.width - left - right) * x,
            (inside.height - bottom - TOP_INCHES) * y,
        )
    )


def draw(axes: Axes, inside: Inside, entries: Sequence[Entry]) -> float:
    """Writes the entries at the panel's foot; the inches that they take."""
    few = _few(entries)
    widths = {id(entry): SIGN_INCHES + width(entry.text) + SPACE_INCHES for entry in few}
    lines = _lines(few, widths, inside.width - 0.2 + SPACE_INCHES)
    foot = axes.get_position()
    figure = axes.figure
    x, y = foot.width / inside.width, foot.height / inside.height
    for index, line in enumerate(lines):
        at, middle = 0.1, (len(lines) - index - 0.35) * LINE_INCHES
        for entry in line:
            _sign(axes, entry, foot.x0 + at * x, foot.y0 + middle * y, x)
            figure.text(
                foot.x0 + (at + SIGN_INCHES) * x, foot.y0 + middle * y, entry.text,
                va="center", fontsize=SIZE, color=INK,
            )  # fmt: skip
            at += widths[id(entry)]
    return len(lines) * LINE_INCHES + 0.02


def _few(entries: Sequence[Entry]) -> list[Entry]:
    """Limits always; of the rest the largest."""
    limits = [entry for entry in entries if entry.dashed]
    rest = [entry for entry in entries if not entry.dashed]
    more = len(rest) - MOST_ENTRIES
    told = [Entry(f"and {more} more", "", "white")] if more > 0 else []
    return [*rest[:MOST_ENTRIES], *told, *limits]


def _lines(entries: Sequence[Entry], widths: Mapping[int, float], room: float) -> list[list[Entry]]:
    lines: list[list[Entry]] = []
    taken = room
    for entry in entries:
        if taken + widths[id(entry)] > room:
            lines.append([])
            taken = 0.0
        lines[-1].append(entry)
        taken += widths[id(entry)]
    return lines


def width(text: str, size: float = SIZE) -> float:
    """Inches that a text takes."""
    return TextPath((0, 0), text, size=size).get_extents().width / POINTS if text.strip() else 0.0


def _sign(axes: Axes, entry: Entry, left: float, middle: float, inch: float) -> None:
    figure = axes.figure
    line = Line2D(
        [left, left + 0.11 * inch], [middle, middle],
        color=entry.colour, linewidth=1.2 if entry.dashed else 2.2,
        linestyle=(0, (2, 1)) if entry.dashed else "-", transform=figure.transFigure,
    )  # fmt: skip
    figure.add_artist(line)
