"""What is in a picture: lines, limits, legends, states, large values, and that nothing is nothing."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from infra.dashboards import draw, page
from infra.dashboards.palette import BAD, GOOD, LIMITS
from infra.dashboards.read import Picture, Series
from infra.monitoring.alert import Severity
from infra.monitoring.panel import Bad, Kind, Panel, Query, Threshold, Unit
from tests.infra.dashboards import drawings
from tests.infra.dashboards.drawings import START, STEP, series, wave

pytestmark = pytest.mark.unit


def panel(
    kind: Kind = Kind.GRAPH, *limits: Threshold, unit: Unit = Unit.NUMBER, bad: Bad = Bad.ZERO
) -> Panel:
    return Panel("key", "Title of it", unit, (Query("x", "y"),), "Meaning.", kind, limits, bad=bad)


def drawn(one: Panel, found: Sequence[Series]) -> Figure:
    with mpl.rc_context(draw.STYLE):
        return draw.drawn(drawings.picture([(one, found)]))


def inside(one: Panel, found: Sequence[Series]) -> Axes:
    (axes,) = drawn(one, found).axes
    return axes


def texts(one: Panel, found: Sequence[Series]) -> list[str]:
    figure = drawn(one, found)
    return [
        each.get_text() for each in (*figure.texts, *(text for axes in figure.axes for text in axes.texts))
    ]


def level(legend: str, value: float) -> Series:
    return series(legend, lambda _: value)


def heights(line: Line2D) -> list[float]:
    return [float(value) for value in np.asarray(line.get_ydata())]


def test_a_panel_without_data_says_so() -> None:
    for kind in Kind:
        assert "no data" in texts(panel(kind), [])


def test_a_legend_names_each_line_with_its_newest_value_in_its_unit() -> None:
    found = [series("first", lambda _: 0.25), series("second", lambda _: 0.5)]
    said = texts(panel(unit=Unit.SHARE), found)
    assert {"first  25 %", "second  50 %", "Title of it", "Title · sandbox"} <= set(said)


def test_a_series_that_has_ended_has_no_newest_value() -> None:
    over = Series("over", tuple((START + index * STEP, 7.0) for index in range(20)))
    assert "over" in texts(panel(), [over, series("here")])


def test_more_series_than_can_be_told_apart_are_counted() -> None:
    said = texts(panel(), [level(f"pod {number}", number) for number in range(12)])
    assert "and 4 more" in said
    assert "pod 11  11" in said, "the largest are named"


def test_a_limit_near_the_values_is_a_line_and_one_far_above_is_only_told() -> None:
    near, far = Threshold(3, Severity.CRITICAL), Threshold(900, Severity.WARNING)
    one = panel(Kind.GRAPH, near, far)
    lines = inside(one, [series("value", wave)]).lines
    flat = [line for line in lines if len(set(heights(line))) == 1]
    assert [(heights(line)[0], line.get_color()) for line in flat] == [(3, LIMITS[Severity.CRITICAL])]
    assert {"limit 3", "limit 900 (above)"} <= set(texts(one, [series("value", wave)]))


def test_where_nothing_happened_a_limit_is_still_to_be_seen() -> None:
    axes = inside(
        panel(Kind.GRAPH, Threshold(0.1, Severity.CRITICAL), unit=Unit.SHARE), [series("x", lambda _: 0)]
    )
    lowest, highest = axes.get_ylim()
    assert lowest < 0 < 0.1 < highest < 0.2
    assert [each.get_text() for each in axes.get_yticklabels()][-1] == "10 %"


def test_a_limit_from_below_is_in_the_picture() -> None:
    axes = inside(panel(Kind.GRAPH, Threshold(1, Severity.CRITICAL, below=True)), [series("x", lambda _: 50)])
    assert axes.get_ylim()[0] < 1


def test_where_there_was_no_value_there_is_no_line() -> None:
    points = [(START + index * STEP, 1.0) for index in range(100) if not 40 <= index < 60]
    (line,) = inside(panel(), [Series("x", tuple(points))]).lines
    assert sum(map(math.isnan, heights(line))) == 1


def test_areas_that_add_up_are_as_high_as_their_sum() -> None:
    late = Series("late", tuple((START + index * STEP, 2.0) for index in range(120, 200)))
    axes = inside(panel(Kind.STACK), [series("always"), late])
    paths = [path for area in axes.collections for path in area.get_paths()]
    tops = [float(np.max(np.asarray(path.vertices), axis=0)[1]) for path in paths]
    assert tops == [1.0, 3.0]


def test_states_are_green_and_red_and_in_the_order_of_their_names() -> None:
    found = [series("one", lambda share: float(share < 0.5)), series("two")]
    axes = inside(panel(Kind.STATES), found)
    colours = {to_hex(each.get_facecolor()[0]) for each in axes.collections if len(each.get_facecolor())}
    assert colours == {GOOD, BAD}
    assert [each.get_text() for each in axes.get_yticklabels()] == ["one", "two"]
    wrong = inside(panel(Kind.STATES, bad=Bad.ONE), [series("one")])
    painted = [each for each in wrong.collections if len(each.get_paths())]
    assert {to_hex(each.get_facecolor()[0]) for each in painted} == {BAD}


def test_a_large_value_has_the_colour_of_the_limit_that_it_breaks() -> None:
    limits = (Threshold(0.1, Severity.WARNING), Threshold(0.5, Severity.CRITICAL))
    colours = {}
    for value in (0.05, 0.2, 0.9):
        axes = inside(panel(Kind.STAT, *limits, unit=Unit.SHARE), [level("x", value)])
        colours[axes.texts[0].get_text()] = axes.texts[0].get_color()
    assert colours == {"5 %": GOOD, "20 %": LIMITS[Severity.WARNING], "90 %": LIMITS[Severity.CRITICAL]}


def test_bars_carry_their_values_the_largest_on_top() -> None:
    axes = inside(
        panel(Kind.BARS, unit=Unit.BYTES), [series("a", lambda _: 2048), series("b", lambda _: 1024)]
    )
    assert [each.get_text() for each in axes.get_yticklabels()] == ["b", "a"]
    assert [each.get_text() for each in axes.texts] == ["1 KiB", "2 KiB"]


def test_a_name_that_is_too_long_loses_its_middle() -> None:
    name = "backup-database-1128110219-c2e4-a-very-long-name-that-goes-on-and-on"
    (said,) = [each for each in texts(panel(), [series(name)]) if each.startswith("backup")]
    assert "…" in said and said.endswith("1") and len(said) <= 46


def picture() -> Picture:
    return drawings.picture([(panel(), [series("a <b>", wave)])])


def test_a_picture_is_a_png_of_few_colours() -> None:
    image = Image.open(io.BytesIO(draw.png(picture())))
    assert (image.format, image.mode, image.width) == ("PNG", "P", 1440)
    assert len(image.convert("RGB").getcolors(1 << 16) or ()) > 20, "something is drawn"


def test_the_page_needs_no_other_file_and_escapes_what_comes_from_outside() -> None:
    made = picture()
    text = page.html([made], {"service": draw.png(made)})
    assert "data:image/png;base64," in text
    assert "http" not in text and "<b>" not in text
    assert "Title of it" in text and "Meaning." in text


def test_the_page_marks_a_panel_without_data() -> None:
    made = drawings.picture([(panel(), [])])
    assert '<tr class="none"><td>Title of it</td>' in page.html([made], {"service": b""})
