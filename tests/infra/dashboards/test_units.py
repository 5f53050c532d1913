"""Values and scales as a person reads them."""

from __future__ import annotations

import math

import pytest

from infra.dashboards import units
from infra.monitoring.panel import Unit

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, Unit.NUMBER, "0"),
        (3, Unit.NUMBER, "3"),
        (1234, Unit.NUMBER, "1.23 k"),
        (-1, Unit.NUMBER, "-1"),
        (0.00732, Unit.CORES, "0.00732"),
        (1536, Unit.BYTES, "1.5 KiB"),
        (954 * 1024**2, Unit.BYTES, "954 MiB"),
        (0, Unit.BYTES, "0 B"),
        (5 * 1024**3, Unit.BYTES_PER_SECOND, "5 GiB/s"),
        (0.9991, Unit.SHARE, "99.9 %"),
        (0.05, Unit.SHARE, "5 %"),
        (0.24, Unit.SECONDS, "240 ms"),
        (0.0000042, Unit.SECONDS, "4.2 µs"),
        (0, Unit.SECONDS, "0 s"),
        (90, Unit.SECONDS, "1.5 min"),
        (86_400 * 3, Unit.SECONDS, "3 d"),
        (1200, Unit.REQUESTS, "1.2 k req/s"),
        (0.5, Unit.PER_SECOND, "0.5/s"),
        (math.nan, Unit.SHARE, "no value"),
        (-math.inf, Unit.NUMBER, "-∞"),
    ],
)
def test_a_value_is_told_with_three_digits_and_its_unit(value: float, unit: Unit, text: str) -> None:
    assert units.text(value, unit) == text


@pytest.mark.parametrize(
    ("highest", "unit", "labels"),
    [
        (10, Unit.NUMBER, ["0", "2", "4", "6", "8", "10"]),
        (130 * 1024**2, Unit.BYTES, ["0 B", "32 MiB", "64 MiB", "96 MiB", "128 MiB"]),
        (1000, Unit.SECONDS, ["0 s", "5 min", "10 min", "15 min"]),
        (0.5, Unit.SECONDS, ["0 s", "100 ms", "200 ms", "300 ms", "400 ms", "500 ms"]),
        (0.1, Unit.SHARE, ["0 %", "2 %", "4 %", "6 %", "8 %", "10 %"]),
        (60 * 86_400, Unit.SECONDS, ["0 s", "14 d", "28 d", "42 d", "56 d"]),
    ],
)
def test_the_steps_of_a_scale_are_round_in_its_unit(highest: float, unit: Unit, labels: list[str]) -> None:
    assert [units.text(value, unit) for value in units.ticks(0, highest, unit)] == labels


def test_a_scale_that_goes_below_zero_has_zero_on_it() -> None:
    assert units.ticks(-0.1, 1.08, Unit.NUMBER) == [0, 0.5, 1.0]
