"""The two parts of a run: every check once, then all of them again and again at a steady rate."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.core.checks import Check
from app.core.logs import logger
from app.smoke.asking import ANSWER_SECONDS, Outcome, ask, client
from app.smoke.callers import Callers

RETRY_SECONDS = 0.25
LEAST_SECONDS = 1.0  # for an answer, however late it is asked for
KEPT = 4  # connections that stay open, each to a replica of its own where there are several
MOST_WAITING = 50  # requests without an answer; more would be a load test
log = logger("app.smoke")


@dataclass
class Tally:
    """What was asked and what was wrong."""

    requests: int = 0
    failed: int = 0
    seconds: list[float] = field(default_factory=list)
    reasons: dict[str, str] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Counts it; the first failure of each check is a line of the log."""
        self.requests += 1
        if outcome.seconds is not None:
            self.seconds.append(outcome.seconds)
        if outcome.reason is None:
            return
        self.failed += 1
        if outcome.check.name not in self.reasons:
            self.note(outcome.check.name, outcome.reason, path=outcome.check.path)

    def note(self, name: str, reason: str, **facts: str) -> None:
        """A line of the log, and a reason in the summary."""
        self.reasons[name] = reason
        log.error("check failed", check=name, **facts, reason=reason)

    def summary(self) -> dict[str, Any]:
        """For the last line; ``by_check`` has the first reason of each check that failed."""
        return {
            "requests": self.requests,
            "failed": self.failed,
            "p95_ms": percentile(self.seconds, 0.95),
            "by_check": self.reasons,
        }


def percentile(seconds: Sequence[float], share: float) -> float | None:
    """The least time in which this share was answered, in ms; None where nothing was."""
    if not seconds:
        return None
    return round(sorted(seconds)[math.ceil(share * len(seconds)) - 1] * 1000, 1)


async def once(url: str, checks: Sequence[Check], callers: Callers, within: float, tally: Tally) -> None:
    """Asks every check. A request that reached nobody is sent again until ``within`` seconds are over."""
    end = time.monotonic() + within
    async with client(url, keep_alive=True) as sender:
        for check in checks:
            tally.add(await _connected(sender, check, callers, end))


async def _connected(sender: httpx.AsyncClient, check: Check, callers: Callers, end: float) -> Outcome:
    while True:
        left = max(end - time.monotonic(), LEAST_SECONDS)
        outcome = await ask(sender, check, callers.token(), min(left, ANSWER_SECONDS))
        if not outcome.again or time.monotonic() + RETRY_SECONDS >= end:
            return outcome
        await asyncio.sleep(RETRY_SECONDS)


@dataclass(frozen=True)
class Rate:
    """How long and how often, and how many percent of the answers may be wrong."""

    seconds: float
    each_second: float
    most_percent: float

    @property
    def wanted(self) -> int:
        """Requests in all."""
        return max(1, round(self.seconds * self.each_second))

    @property
    def longest(self) -> float:
        """Seconds until the last request must have been sent. Later than planned, since fewer requests would
        find less; but a service that keeps so many waiting is too slow."""
        return 2 * self.seconds + ANSWER_SECONDS

    def allows(self, failed: int, asked: int) -> bool:
        """Whether these are no more failures than may be."""
        return failed <= self.most_percent / 100 * asked


async def repeated(url: str, checks: Sequence[Check], callers: Callers, rate: Rate, tally: Tally) -> bool:
    """Asks one check after the other, over kept connections and new ones in turn, each request at its time
    whether or not the ones before were answered. What a stall held up comes later, at the same rate: all at
    once it would be slow by itself. True where all were sent and no more failed than may; ends early where
    that cannot be any more."""
    waiting, sent, failed = asyncio.Semaphore(MOST_WAITING), 0, tally.failed

    async def one(sender: httpx.AsyncClient, check: Check) -> None:
        try:
            tally.add(await ask(sender, check, callers.token(), ANSWER_SECONDS))
        finally:
            waiting.release()

    async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
        senders = [
            await stack.enter_async_context(client(url, keep_alive=number % 2 == 0))
            for number in range(2 * KEPT)
        ]
        begun = due = time.monotonic()
        while sent < rate.wanted and time.monotonic() < begun + rate.longest:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await waiting.acquire()
            due = max(due + 1 / rate.each_second, time.monotonic())
            if not rate.allows(tally.failed - failed, rate.wanted):
                return False
            lap, place = divmod(sent, len(checks))
            group.create_task(one(senders[(lap + place) % len(senders)], checks[place]))
            sent += 1
    if sent < rate.wanted:
        tally.note("rate", f"only {sent} of {rate.wanted} requests could be sent in {rate.longest:g} s")
    return sent == rate.wanted and rate.allows(tally.failed - failed, sent)
