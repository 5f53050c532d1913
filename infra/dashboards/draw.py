"""A dashboard as a picture: the places of infra/monitoring/layout.py, drawn by matplotlib.

marks.py draws what is inside a panel.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from PIL import Image

from infra.dashboards import marks, palette
from infra.dashboards.legend import Inside
from infra.dashboards.read import Picture
from infra.monitoring.layout import COLUMNS, HEADING, Placed, placed
from infra.monitoring.panel import Panel

COLUMN_INCHES, ROW_INCHES = 0.6, 0.34
TITLE_INCHES = 0.7  # above the first row
GAP_INCHES = 0.05  # around each panel
DPI = 100
# Of the palette: a third of the bytes, and no eye sees it. Rounds of k-means keep the large grounds true.
COLOURS, KMEANS = 256, 3
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib
    "font.size": 7.5,
    "axes.edgecolor": "#c8ccd2",
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#e8eaed",
    "grid.linewidth": 0.6,
    "xtick.color": palette.QUIET,
    "ytick.color": palette.QUIET,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
}


def png(picture: Picture) -> bytes:
    """The dashboard as a PNG file."""
    with mpl.rc_context(STYLE):
        canvas = FigureCanvasAgg(drawn(picture))
        canvas.draw()
    pixels = Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba())
    file = io.BytesIO()
    few = pixels.convert("RGB").quantize(
        COLOURS, Image.Quantize.MAXCOVERAGE, KMEANS, dither=Image.Dither.NONE
    )
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


def drawn(picture: Picture) -> Figure:
    """The dashboard as a figure, whose size follows from its panels."""
    places = placed(picture.board)
    height = TITLE_INCHES + max(place.y + place.height for place in places) * ROW_INCHES
    figure = Figure(figsize=(COLUMNS * COLUMN_INCHES, height), dpi=DPI, facecolor=palette.GROUND)
    page = _Page(figure, height)
    page.title(picture)
    for place in places:
        if isinstance(place.what, Panel):
            page.panel(place, place.what, picture)
        else:
            page.heading(place, place.what.title)
    return figure


class _Page:
    """A figure measured in inches from the top left."""

    def __init__(self, figure: Figure, height: float) -> None:
        self._figure = figure
        self._height = height
        self._width = COLUMNS * COLUMN_INCHES

    def title(self, picture: Picture) -> None:
        """What it is, of which stack, and when."""
        start, end = (datetime.fromtimestamp(each, UTC) for each in (picture.start, picture.end))
        self._text(0.12, 0.28, f"{picture.board.title} · {picture.stack}", size=14, weight="bold")
        self._text(0.12, 0.53, picture.board.description, size=8.5, color=palette.QUIET)
        when = f"{start:%Y-%m-%d %H:%M} to {end:%H:%M} UTC"
        if start.date() != end.date():
            when = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
        self._text(self._width - 0.12, 0.28, when, size=8.5, color=palette.QUIET, ha="right")

    def heading(self, place: Placed, text: str) -> None:
        """The title of a row."""
        top = TITLE_INCHES + (place.y + HEADING * 0.62) * ROW_INCHES
        self._text(0.12, top, text, size=9.5, weight="bold", color="#3c4149")

    def panel(self, place: Placed, panel: Panel, picture: Picture) -> None:
        """Its card, its title and what is inside."""
        left, width = place.x * COLUMN_INCHES + GAP_INCHES, place.width * COLUMN_INCHES - 2 * GAP_INCHES
        top = TITLE_INCHES + place.y * ROW_INCHES + GAP_INCHES
        height = place.height * ROW_INCHES - 2 * GAP_INCHES
        x, y, w, h = left / self._width, 1 - (top + height) / self._height, width / self._width, 0.0
        h = height / self._height
        card = FancyBboxPatch(
            (x, y), w, h, boxstyle="square,pad=0", facecolor="white", edgecolor="#dfe2e6", linewidth=0.7,
            transform=self._figure.transFigure, zorder=-1,
        )  # fmt: skip
        self._figure.add_artist(card)
        self._text(left + 0.1, top + 0.17, panel.title, size=8.5)
        inside = Inside(left, top + 0.3, width, height - 0.3)
        axes = self._figure.add_axes((x, y, w, (height - 0.3) / self._height))
        marks.fill(axes, inside, picture.shown[panel.key], picture)

    def _text(self, left: float, top: float, text: str, **style: Any) -> None:
        self._figure.text(left / self._width, 1 - top / self._height, text, va="center", **style)
