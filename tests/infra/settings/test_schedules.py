"""Distances between runs of cron schedules, held against every single run where these can be counted."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from cronsim import CronSim

from infra.settings.rules.schedules import START, longest_gap, shortest_wait

pytestmark = pytest.mark.unit
SCHEDULES = [
    "0 3 * * *",
    "*/5 * * * 1",
    "7,50 1-5 * * 2,4",
    "0 4 * * 0",
    "30 6 1 * *",
    "0 1 15 * 3",
    "0 */7 * * *",
]
GAPS = {
    "* * * * *": timedelta(minutes=1),
    "0 3 * * *": timedelta(days=1),
    "*/5 * * * 1": timedelta(days=6, minutes=5),
    "0 * * 1 *": timedelta(days=335, hours=1),
    "0 0 1 * *": timedelta(days=31),
    "0 0 29 2 *": timedelta(days=1461),
}


def every_run(schedule: str) -> list[int]:
    """Minutes from START on, over two years."""
    runs = []
    for run in CronSim(schedule, START - timedelta(minutes=1)):
        runs.append(int((run - START).total_seconds()) // 60)
        if run > START + timedelta(days=740):
            return runs
    return runs


@pytest.mark.parametrize("schedule", GAPS)
def test_the_longest_gap_is_found_however_often_the_schedule_runs(schedule: str) -> None:
    assert longest_gap(schedule) == GAPS[schedule]


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_longest_gap_is_that_of_every_run_counted(schedule: str) -> None:
    runs = every_run(schedule)
    assert longest_gap(schedule) == timedelta(minutes=max(b - a for a, b in pairwise(runs)))


@pytest.mark.parametrize("first", SCHEDULES)
@pytest.mark.parametrize("then", SCHEDULES)
def test_the_shortest_wait_is_that_of_every_run_counted(first: str, then: str) -> None:
    before, waits = every_run(first), []
    index = -1
    for run in every_run(then):
        while index + 1 < len(before) and before[index + 1] <= run:
            index += 1
        if index >= 0:
            waits.append(run - before[index])
    wait = shortest_wait(first, then)
    least = timedelta(minutes=min(waits))
    assert wait == least or (wait is None and least > timedelta(days=1))
