"""Requests and limits from measurement: each number by the rule that gives it."""

from __future__ import annotations

import pytest

from infra import limits
from infra.capacity.formula import Use, preliminary, proposed, together
from infra.limits import MIB
from infra.settings.base import Resources

pytestmark = pytest.mark.unit
PRESENT = Resources(cpu_request="500m", memory_request="512Mi", memory_limit="1Gi")


def use(cpu: float = 100, memory: int = 100, hours: float = 24, kills: int = 0) -> Use:
    """``memory`` in MiB."""
    return Use(cpu, memory * MIB, hours, kills)


def test_a_request_is_what_was_used_with_a_margin_in_whole_steps() -> None:
    found = proposed(use(cpu=101, memory=100), PRESENT)
    assert found.resources == Resources(cpu_request="120m", memory_request="120Mi", memory_limit="144Mi")
    assert found.reasons == (
        "CPU: 95th percentile 101m and 15%, in steps of 5m",
        "memory: peak 100Mi and 15%, in steps of 8Mi",
        "limit: 1.2 × that",
    )


def test_what_uses_more_than_it_asks_for_asks_for_more() -> None:
    found = proposed(use(cpu=1900, memory=1000), PRESENT)
    assert found.resources == Resources(cpu_request="2185m", memory_request="1152Mi", memory_limit="1384Mi")


def test_what_does_nothing_still_asks_for_something() -> None:
    found = proposed(use(cpu=0.2, memory=3), PRESENT)
    assert found.resources == Resources(cpu_request="10m", memory_request="32Mi", memory_limit="32Mi")


@pytest.mark.parametrize("cpu", [400, 430, 475])
def test_a_small_difference_is_not_worth_a_restart(cpu: int) -> None:
    found = proposed(use(cpu=cpu, memory=420), PRESENT).resources
    assert (found.cpu_request, found.memory_request) == ("500m", "512Mi")


def test_the_limit_of_what_sizes_itself_by_it_is_kept() -> None:
    found = proposed(use(memory=300), PRESENT, sized_by_limit=True)
    assert (found.resources.memory_request, found.resources.memory_limit) == ("352Mi", "1Gi")
    assert found.reasons[2] == "limit: kept, since the program sizes itself by it"


def test_no_request_is_above_a_limit_that_is_kept() -> None:
    found = proposed(use(memory=1000), PRESENT, sized_by_limit=True)
    assert (found.resources.memory_request, found.resources.memory_limit) == ("1Gi", "1Gi")


@pytest.mark.parametrize(("present", "wanted"), [("256Mi", "360Mi"), ("1Gi", "1232Mi")])
def test_what_was_killed_for_want_of_memory_gets_more_whatever_was_seen(present: str, wanted: str) -> None:
    now = Resources(memory_request="128Mi", memory_limit=present)
    for sized_by_limit in (False, True):
        found = proposed(use(memory=200, kills=2), now, sized_by_limit=sized_by_limit)
        assert found.resources.memory_limit == wanted
        assert found.reasons[2] == "limit: 2 × killed for want of memory at the present one"


@pytest.mark.parametrize(("limit", "wanted"), [(None, None), ("1", "1"), ("300m", "1150m")])
def test_a_cpu_limit_is_never_invented_and_never_below_the_request(
    limit: str | None, wanted: str | None
) -> None:
    now = PRESENT.model_copy(update={"cpu_limit": limit, "cpu_request": "100m"})
    found = proposed(use(cpu=1000 if limit == "300m" else 500), now).resources
    assert found.cpu_limit == wanted
    assert limit is None or limits.cpu_millis(found.cpu_request) <= limits.cpu_millis(str(wanted))


def test_what_shares_a_key_gets_enough_for_the_largest_of_each_kind() -> None:
    assert together([use(cpu=5, memory=90, hours=20), use(cpu=50, memory=9, kills=1)]) == use(50, 90, 20, 1)


@pytest.mark.parametrize(
    ("hours", "window", "said"),
    [
        (24, 24, None),
        (22, 24, None),
        (3.25, 24, "only 3.2 h of 24 h were measured"),
        (0, 1, "only 0.0 h of 1 h were measured"),
        (6, 6, "6 h hold no whole day: ask for 24h or more"),
        (168, 168, None),
    ],
)
def test_few_hours_are_said(hours: float, window: int, said: str | None) -> None:
    assert preliminary(use(hours=hours), window) == said
