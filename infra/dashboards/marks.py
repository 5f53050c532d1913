"""What is inside a panel: lines, areas, bars, states, a large value; its limits, and its emptiness."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.ticker import FuncFormatter

from infra.dashboards import legend, units
from infra.dashboards.legend import Entry, Inside
from infra.dashboards.palette import BAD, GOOD, INK, LIMITS, LINES, QUIET
from infra.dashboards.read import Picture, Series, Shown
from infra.monitoring.panel import Kind, Panel, Threshold

MOST_BARS = 12
NAME_SIZE = 7.5
LETTER_INCHES = 0.064  # of the font's mean letter at that size
LEFT_INCHES, BOTTOM_INCHES = 0.66, 0.24  # for the labels of the axes
# A limit far above all values would press them to the ground: it is named in the legend then.
FAR = 4.0
ROOM = 0.08  # above the highest value, of its height
GAP_STEPS = 1.5
LEAST_ROWS = 4  # of states and bars: a single one fills no panel
DAY_SECONDS = 86_400


def fill(axes: Axes, inside: Inside, shown: Shown, picture: Picture) -> None:
    """Draws into axes that fill the panel below its title; they are made smaller for labels and legend."""
    if shown.empty:
        _nothing(axes)
    elif shown.panel.kind is Kind.STAT:
        _stat(axes, inside, shown)
    elif shown.panel.kind is Kind.BARS:
        _bars(axes, inside, shown)
    elif shown.panel.kind is Kind.STATES:
        _states(axes, inside, shown, picture)
    else:
        _graph(axes, inside, shown, picture)


def _nothing(axes: Axes) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, "no data", ha="center", va="center", fontsize=11, color=BAD, transform=axes.transAxes)


def judged(value: float, thresholds: Sequence[Threshold]) -> str:
    """The colour of a value: good, or that of the worst limit that it breaks."""
    broken = [each for each in thresholds if (value < each.value if each.below else value > each.value)]
    return LIMITS[min(broken, key=lambda each: list(LIMITS).index(each.severity)).severity] if broken else ""


def _stat(axes: Axes, inside: Inside, shown: Shown) -> None:
    axes.set_axis_off()
    unit, some = shown.panel.unit, shown.series[:3]
    for index, series in enumerate(some):
        colour = judged(series.last, shown.panel.thresholds) or (GOOD if shown.panel.thresholds else INK)
        middle = (index + 0.5) / len(some)
        value = units.text(series.last, unit)
        size = min(22.0, 100 * inside.width / len(some) / max(len(value), 4))
        axes.text(middle, 0.58, value, ha="center", va="center", fontsize=size, color=colour, weight="bold")
        name = legend.short(series.legend, int(inside.width / len(some) / LETTER_INCHES))
        axes.text(middle, 0.18, name, ha="center", va="center", color=QUIET)


def _bars(axes: Axes, inside: Inside, shown: Shown) -> None:
    ranked = sorted(shown.series, key=lambda series: series.last)[-MOST_BARS:]
    names = [legend.short(series.legend, 30) for series in ranked]
    margin = 0.2 + max(legend.width(name, NAME_SIZE) for name in names)
    legend.shrink(axes, inside, left=margin, right=0.75, bottom=0.12)
    colours = [judged(series.last, shown.panel.thresholds) or LINES[0] for series in ranked]
    marks = axes.barh(names, [series.last for series in ranked], color=colours, height=0.62)
    axes.bar_label(
        marks, [units.text(series.last, shown.panel.unit) for series in ranked], padding=3, color=INK
    )
    axes.set_xlim(left=min(0.0, *(series.last for series in ranked)))
    axes.set_ylim(len(ranked) - max(LEAST_ROWS, len(ranked)) - 0.6, len(ranked) - 0.4)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])
    axes.grid(visible=False)


def _states(axes: Axes, inside: Inside, shown: Shown, picture: Picture) -> None:
    names = [legend.short(series.legend, 24) for series in shown.series]
    margin = 0.2 + max(legend.width(name, NAME_SIZE) for name in names)
    legend.shrink(axes, inside, left=margin, bottom=BOTTOM_INCHES)
    wrong, length = float(shown.panel.bad.value), picture.step / DAY_SECONDS
    rows = [-index for index in range(len(names))]
    for row, series in zip(rows, shown.series, strict=True):
        for colour, bad in ((GOOD, False), (BAD, True)):
            spans = [
                (_days(moment) - length, length) for moment, value in series.points if (value == wrong) is bad
            ]
            axes.broken_barh(spans, (row - 0.34, 0.68), facecolors=colour, linewidth=0, antialiased=False)
    axes.set_yticks(rows, names)
    axes.set_ylim(0.6 - max(LEAST_ROWS, len(rows)), 0.6)
    axes.grid(visible=False)
    _time(axes, picture)


def _graph(axes: Axes, inside: Inside, shown: Shown, picture: Picture) -> None:
    panel = shown.panel
    ranked = sorted(
        shown.series, key=lambda each: (not picture.current(each), -max(value for _, value in each.points))
    )
    colours = {id(series): LINES[index % len(LINES)] for index, series in enumerate(ranked)}
    draw = _stacked if panel.kind is Kind.STACK else _lines
    lowest, highest = draw(axes, shown.series, colours, picture)
    entries = [
        Entry(
            series.legend or panel.title,
            units.text(series.last, panel.unit) if picture.current(series) else "",
            colours[id(series)],
        )
        for series in ranked
    ]
    entries += _limits(axes, panel, lowest, highest)
    below = legend.draw(axes, inside, entries)
    legend.shrink(axes, inside, left=LEFT_INCHES, bottom=BOTTOM_INCHES + below)
    axes.set_yticks(units.ticks(*axes.get_ylim(), panel.unit))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: units.text(value, panel.unit)))
    _time(axes, picture)


def _lines(
    axes: Axes, series: Sequence[Series], colours: Mapping[int, str], picture: Picture
) -> tuple[float, float]:
    """The lowest and the highest value, 0 among them."""
    for each in series:
        alone = len(each.points) == 1
        moments, values = zip(*_broken(each, picture.step), strict=True)
        axes.plot(
            [_days(moment) for moment in moments], values, color=colours[id(each)], linewidth=1.2,
            marker="o" if alone else "", markersize=3, solid_joinstyle="round", zorder=3,
        )  # fmt: skip
    found = [value for each in series for _, value in each.points]
    return min(0.0, *found), max(0.0, *found)


def _broken(series: Series, step: int) -> Iterator[tuple[float, float]]:
    """Where there was no value for a while there is no line."""
    before = series.points[0][0]
    for moment, value in series.points:
        if moment - before > GAP_STEPS * step:
            yield before + step, math.nan
        yield moment, value
        before = moment


def _stacked(
    axes: Axes, series: Sequence[Series], colours: Mapping[int, str], picture: Picture
) -> tuple[float, float]:
    """The lowest and the highest value, 0 among them."""
    last = max(each.points[-1][0] for each in series)
    first = min(each.points[0][0] for each in series)
    moments = [first + index * picture.step for index in range(round((last - first) / picture.step) + 1)]
    found = [dict(each.points) for each in series]
    rows = [[points.get(moment, 0.0) for moment in moments] for points in found]
    days = [_days(moment) for moment in moments]
    axes.stackplot(days, rows, colors=[colours[id(each)] for each in series], alpha=0.8, linewidth=0)
    return 0.0, max(map(sum, zip(*rows, strict=True)))


def _limits(axes: Axes, panel: Panel, lowest: float, highest: float) -> list[Entry]:
    """A line for each limit, and its entry; one that is far above everything is told without its line."""
    most = highest * FAR if highest > 0 else math.inf
    near = [limit for limit in panel.thresholds if limit.value <= most]
    for limit in near:
        colour = LIMITS[limit.severity]
        axes.axhline(limit.value, color=colour, linestyle=(0, (4, 2)), linewidth=1, zorder=2)
    values = [limit.value for limit in near]
    lowest, highest = min([lowest, *values]), max([highest, *values])
    room = (highest - lowest or 1.0) * ROOM
    # A line at 0 is no axis.
    axes.set_ylim(lowest - room / 4, highest + room if highest > lowest else lowest + 1.0)
    return [
        Entry(
            f"limit {units.text(limit.value, panel.unit)}{'' if limit in near else ' (above)'}",
            "",
            LIMITS[limit.severity],
            dashed=True,
        )
        for limit in panel.thresholds
    ]


def _time(axes: Axes, picture: Picture) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=7)
    axes.xaxis.set_major_locator(locator)
    formatter = ConciseDateFormatter(locator, tz=UTC, show_offset=False)
    formatter.zero_formats[3] = "%H:%M"
    axes.xaxis.set_major_formatter(formatter)
    axes.set_xlim(_days(picture.start), _days(picture.end))


def _days(moment: float) -> float:
    """matplotlib's own measure of time."""
    return float(date2num(datetime.fromtimestamp(moment, UTC)))
