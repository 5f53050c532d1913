"""The figures people are shown, the limits of what is submitted, and the routes' shapes."""

from __future__ import annotations

import pytest

from app.core.jobs import progress
from app.core.jobs.service import MOST_CHUNKS, chunks_of
from app.core.jobs.values import storable

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("processed", "total", "percent"),
    [(0, 3, 0), (1, 3, 33.3), (2, 3, 66.6), (9999, 10000, 99.9), (3, 3, 100)],
)
def test_100_percent_is_said_only_when_nothing_is_left(processed: int, total: int, percent: float) -> None:
    assert progress.percent(processed, total) == percent


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (65, "1m 5s"),
        (3600, "1h"),
        (3725, "1h 2m 5s"),
        (86_400, "1d"),
        (90_061, "1d 1h 1m 1s"),
    ],
)
def test_seconds_are_spoken_without_empty_parts(seconds: int, text: str) -> None:
    assert progress.spoken(seconds) == text


@pytest.mark.parametrize(
    ("processed", "total", "elapsed", "left"),
    [(0, 10, 99.0, None), (65, 100, 120.0, 65), (1, 3, 0.1, 1), (3, 3, 5.0, 0)],
)
def test_what_is_left_goes_at_the_measured_rate(
    processed: int, total: int, elapsed: float, left: int | None
) -> None:
    assert progress.seconds_left(processed, total, elapsed) == left


def test_the_success_rate_is_a_share_of_what_was_processed() -> None:
    assert [progress.success_rate(*pair) for pair in ((0, 0), (65, 1), (2, 2))] == [None, 0.9846, 0]


def test_chunks_are_as_many_as_the_items_need_and_never_very_many() -> None:
    assert [chunks_of(items) for items in (1, 50, 51, 10_000)] == [1, 1, 2, MOST_CHUNKS]


@pytest.mark.parametrize(
    "value", [{"a": "\0"}, {"a": "\ud800"}, {"a": float("nan")}, {"a": {1}}, {"a": object()}]
)
def test_what_jsonb_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is no JSON|holds a NUL"):
        storable(value)


def test_a_value_that_jsonb_can_hold_is_measured_in_bytes() -> None:
    assert storable({"a": "한"}) == len('{"a": "한"}'.encode())
    assert storable({"a": "\\u0000"}) > 0  # a backslash and five letters


def test_json_that_is_nested_without_end_is_refused() -> None:
    endless: dict[str, object] = {}
    endless["a"] = endless
    with pytest.raises(ValueError, match=r"is no JSON"):
        storable(endless)
