"""How far apart the runs of cron schedules lie, over the years: a schedule's days and its times of day."""

from __future__ import annotations

from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile

from cronsim import CronSim

START = datetime(2024, 1, 1, tzinfo=UTC)  # a Monday in a leap year: every weekday and 29 February follow
SPAN = timedelta(days=2 * 366)  # every distance between two days of a year, and a first day beyond
DAY = 24 * 60


@lru_cache(maxsize=256)
def _days(schedule: str) -> tuple[int, ...]:
    """The days of its runs, counted from START: all of two years, and the first one after them."""
    found = []
    for run in CronSim(f"0 0 {schedule.split(maxsplit=2)[2]}", START - timedelta(minutes=1)):
        found.append((run - START).days)
        if run > START + SPAN:
            break
    return tuple(found)


@lru_cache(maxsize=256)
def _minutes(schedule: str) -> tuple[int, ...]:
    """The times of its runs within each of these days, in minutes."""
    minute, hour, _ = schedule.split(maxsplit=2)
    runs = CronSim(f"{minute} {hour} * * *", START - timedelta(minutes=1))
    return tuple(
        (run - START).seconds // 60 for run in takewhile(lambda run: run < START + timedelta(days=1), runs)
    )


def longest_gap(schedule: str) -> timedelta:
    """The longest time between two runs, daylight saving left aside."""
    times = _minutes(schedule)
    within = max((later - earlier for earlier, later in pairwise(times)), default=0)
    apart = max(later - earlier for earlier, later in pairwise(_days(schedule)))
    return timedelta(minutes=max(within, apart * DAY + times[0] - times[-1]))


def shortest_wait(first: str, then: str) -> timedelta | None:
    """The shortest time from a run of ``first`` to a run of ``then``; None where that is more than a day."""
    days, found = set(_days(first)), []
    for today, yesterday in {(day in days, day - 1 in days) for day in _days(then)}:
        before = [minute - DAY for minute in _minutes(first) if yesterday]
        before += [minute for minute in _minutes(first) if today]
        for run in _minutes(then):
            if index := bisect_right(before, run):
                found.append(run - before[index - 1])
    return timedelta(minutes=min(found)) if found else None
