"""No range of a rule holds fewer readings than it needs, whatever the interval."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from infra.monitoring import catalogue
from infra.monitoring.promql import SCRAPES
from infra.settings.model import Settings
from tests.infra.monitoring import stacks

pytestmark = pytest.mark.unit
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
RANGE = re.compile(r"(\w+)\((?:\w|:)+(?:\{[^}]*\})?\[(\d+)([smhd])\]")
LEAST = {"max_over_time": 3}  # of what is either there or not, as often as a health check may fail


def expressions(settings: Settings) -> Iterator[str]:
    yield from (alert.expression for alert in catalogue.alerts(settings).values())
    yield from (rule.expression for group in catalogue.recordings(settings) for rule in group.rules)


def ranges(settings: Settings) -> list[tuple[str, int]]:
    """Function and seconds of every range."""
    return [
        (function, int(count) * UNITS[unit])
        for expression in expressions(settings)
        for function, count, unit in RANGE.findall(expression)
    ]


@pytest.mark.parametrize("window", ["7d", "30d"])
@pytest.mark.parametrize("seconds", [5, 15, 30, 45, 60])
def test_every_range_holds_four_readings_and_what_is_there_or_not_three(seconds: int, window: str) -> None:
    base = stacks.full(window)
    changed = base.monitoring.model_copy(update={"scrape_interval_seconds": seconds})
    settings = base.model_copy(update={"monitoring": changed})
    found = ranges(settings)
    assert len(found) > 20
    short = [each for each in found if each[1] < LEAST.get(each[0], SCRAPES) * seconds]
    assert short == []


def test_every_range_of_a_rule_is_seen_by_this_test() -> None:
    settings = stacks.full()
    written = sum(len(re.findall(r"\[\d+[smhd]\]", each)) for each in expressions(settings))
    assert len(ranges(settings)) == written


def test_at_the_default_interval_ranges_are_those_of_the_alarms() -> None:
    errors = catalogue.alerts(stacks.full())["ServiceErrors"]
    assert "[120s]" in errors.expression
    assert catalogue.alerts(stacks.full())["ServiceHealthFails"].expression.count("[60s]") == 1
