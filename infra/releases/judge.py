"""Whether a release answers as well as the one before it: errors and the 95th percentile, by Prometheus."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from infra import alerting
from infra.monitoring.promql import users, window
from infra.settings.model import Settings
from infra.settings.release import Colour, Release

LEAST_REQUESTS = 20  # of fewer nobody can say how they are answered
CANDIDATE = "candidate_"  # what Prometheus calls a candidate's figures (infra/render/prometheus.py)


@dataclass(frozen=True)
class Figures:
    """Of one colour over some time: requests, their share of 5xx in percent, 95th percentile in ms; the last
    two are None without requests."""

    requests: float
    error_percent: float | None
    p95_ms: float | None

    def __str__(self) -> str:
        if self.error_percent is None or self.p95_ms is None:
            return "no requests"
        return f"{self.requests:.0f} requests, {self.error_percent:.2f} % of 5xx, p95 {self.p95_ms:.0f} ms"


def worse(new: Figures, old: Figures, release: Release) -> list[str]:
    """In which way the new one is worse than is allowed; empty where it is not."""
    return [*_failing(new, old, release), *_slower(new, old, release)]


def worse_while_watched(looks: Iterable[Figures], old: Figures, release: Release) -> list[str]:
    """In which way one of the looks, each at all the answers since the flip, is worse than is allowed; ends
    with the look that says so. Slow counts at two looks in a row, or at the last: the flip itself makes the
    first answers slow, over new connections. Errors count at once."""
    slow: list[str] = []
    for new in looks:
        if new.requests < LEAST_REQUESTS:
            continue
        before, slow = slow, _slower(new, old, release)
        if reasons := [*_failing(new, old, release), *(slow if before else ())]:
            return reasons
    return slow


def _failing(new: Figures, old: Figures, release: Release) -> list[str]:
    allowed = release.max_error_percent + (old.error_percent or 0.0)
    if new.error_percent is None or new.error_percent <= allowed:
        return []
    before = "none" if not old.error_percent else f"{old.error_percent:.2f} %"
    return [
        f"{new.error_percent:.2f} % of its answers are 5xx, {allowed:.2f} % are allowed "
        f"(service.release.max_error_percent; the old colour: {before})"
    ]


def _slower(new: Figures, old: Figures, release: Release) -> list[str]:
    if new.p95_ms is None or old.p95_ms is None:
        return []
    limit = max(old.p95_ms * release.max_p95_ratio, float(release.p95_floor_ms))
    if new.p95_ms <= limit:
        return []
    return [
        f"its 95th percentile is {new.p95_ms:.0f} ms, {limit:.0f} ms are allowed "
        f"(service.release.max_p95_ratio; the old colour: {old.p95_ms:.0f} ms)"
    ]


@dataclass(frozen=True)
class Judge:
    """Asks the stack's Prometheus."""

    where: alerting.Place
    settings: Settings

    def candidate(self, colour: Colour, seconds: int) -> Figures:
        """What it answered its checks in the last seconds."""
        return self._figures(CANDIDATE, colour, seconds, None)

    def serving(self, colour: Colour, seconds: int, moment: datetime | None = None) -> Figures:
        """What it answered its users in the seconds before the moment, or before now."""
        return self._figures("", colour, seconds, moment)

    def _figures(self, prefix: str, colour: Colour, seconds: int, moment: datetime | None) -> Figures:
        seconds = window(self.settings, seconds)
        chosen, failed = (
            users(self.settings, f'colour="{colour}"', *more) for more in ((), ('status=~"5.."',))
        )
        count = f"sum(increase({prefix}api_requests_total{chosen}[{seconds}s]))"
        errors = f"sum(increase({prefix}api_requests_total{failed}[{seconds}s]))"
        buckets = f"sum by (le) (increase({prefix}api_response_seconds_bucket{chosen}[{seconds}s]))"
        asked = (count, errors, f"histogram_quantile(0.95, {buckets})")
        requests, bad, p95 = (self._value(query, moment) for query in asked)
        if not requests:
            return Figures(0.0, None, None)
        return Figures(requests, 100 * (bad or 0.0) / requests, None if p95 is None else 1000 * p95)

    def _value(self, query: str, moment: datetime | None) -> float | None:
        asked = {"query": query} | ({"time": moment.isoformat()} if moment else {})
        with alerting.client(self.where, self.where.prometheus) as server:
            answer = alerting.answered(self.where, server.get("/api/v1/query", params=asked))
        values = [float(row["value"][1]) for row in answer["data"]["result"]]
        return next((value for value in values if math.isfinite(value)), None)
