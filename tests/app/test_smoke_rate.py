"""The steady rate of the repeated checks, where the process itself gets no CPU for a while."""

from __future__ import annotations

import time
from itertools import pairwise
from types import SimpleNamespace

import pytest

from app.core.checks import Check
from app.smoke import runs
from app.smoke.asking import Outcome

pytestmark = pytest.mark.unit
PAUSE = 0.05  # seconds between two checks
STALLED = 20 * PAUSE


async def test_what_a_stall_held_up_is_not_asked_all_at_once_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[float] = []

    async def stalls_once(_: object, check: Check, *__: object) -> Outcome:
        asked.append(time.monotonic())
        if len(asked) == 5:
            time.sleep(STALLED)
        return Outcome(check, 0.0, None)

    monkeypatch.setattr(runs, "ask", stalls_once)
    checks, callers = [Check("any", "/any", {})], SimpleNamespace(token=str)
    rate = runs.Rate(seconds=40 * PAUSE, each_second=1 / PAUSE, most_percent=0)
    assert await runs.repeated("http://127.0.0.1:1", checks, callers, rate, runs.Tally())  # type: ignore[arg-type]
    assert len(asked) == rate.wanted
    assert sum(after - before < PAUSE / 5 for before, after in pairwise(asked)) <= 3
