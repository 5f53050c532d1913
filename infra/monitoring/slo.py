"""The service level as data: which requests are bad, how fast the error budget burns, from when it is told.

Windows and rates are table 5-8 of the SRE workbook (sre.google/workbook/alerting-on-slos) with the row of
one day that the workbook's text adds; they are for 30 days and are stretched to the stack's window.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from infra.monitoring import needs
from infra.monitoring.needs import Need
from infra.monitoring.promql import duration, here, users, window
from infra.monitoring.recording import Recording, RecordingGroup
from infra.settings.model import Settings

WORKBOOK_DAYS = 30
LEAST_MINUTES = 2  # a rate over less is chance; longer where there are few scrapes
BASE = "5m"
# Longer windows are means of the recorded five minutes: three days of every series would be read each time.
RAW_MINUTES = 3 * 60
P95_BUDGET = 0.05  # what a 95th percentile leaves
BUDGET_INTERVAL = "5m"
REQUESTS = f"namespace:slo_requests:rate{BASE}"


@dataclass(frozen=True)
class Burn:
    """At ``rate`` times the speed that uses the budget up in the whole window; both windows must say so:
    the long one that it matters, the short one that it still goes on. In minutes, for 30 days."""

    rate: float
    long: int
    short: int

    def stretched(self, days: int, least: int = LEAST_MINUTES) -> Burn:
        """The same for a window of that many days: the same share of the budget is gone when it is told.
        No window is shorter than ``least`` minutes."""
        long, short = (max(least, round(each * days / WORKBOOK_DAYS)) for each in (self.long, self.short))
        return Burn(self.rate, long, short)


# At once: 2 % of the budget in an hour, 5 % in six hours. In the morning: 10 % in one or in three days.
FAST = (Burn(14.4, 60, 5), Burn(6, 360, 30))
SLOW = (Burn(3, 1440, 120), Burn(1, 4320, 360))


@dataclass(frozen=True)
class Objective:
    """``budget``: the share of requests that may be bad. ``bad``: PromQL of bad requests per second over a
    window, which stands in it as WINDOW. ``least``: minutes of the shortest window. ``chosen``: the selector
    of the stack's own among recorded series, which another stack may record in the same Prometheus."""

    name: str
    budget: float
    bad: str
    least: int = LEAST_MINUTES
    chosen: str = ""

    def rate(self) -> str:
        """The recorded rate of bad requests."""
        return f"namespace:slo_{self.name}_bad:rate{BASE}"

    def share(self, minutes: int) -> str:
        """The recorded share of bad requests over a window."""
        return f"namespace:slo_{self.name}_bad:ratio_{duration(minutes)}"

    def remaining(self) -> str:
        """The recorded share of the budget that is left; negative where it is overdrawn."""
        return f"namespace:slo_{self.name}_budget:remaining"

    def limit(self, burn: Burn) -> float:
        """The share of bad requests at this burn rate."""
        return round(burn.rate * self.budget, 10)

    def burns(self, burns: tuple[Burn, ...], days: int) -> tuple[Burn, ...]:
        """Stretched; a rate at which more than every request would have to fail is left out."""
        return tuple(burn.stretched(days, self.least) for burn in burns if self.limit(burn) < 1)


def objectives(settings: Settings) -> tuple[Objective, ...]:
    """None where the stack promises nothing or has no figures."""
    if not needs.met(Need.PROMISE, settings):
        return ()
    within = f'le="{settings.slo.latency.p95_ms / 1000}"'
    count = _rate("api_response_seconds_count", users(settings))
    failed = _rate("api_requests_total", users(settings, 'status=~"5.."'))
    least, chosen = -(-window(settings, LEAST_MINUTES * 60) // 60), here(settings)
    return (
        # Without a single error there is no series of errors, and 0 is meant.
        Objective(
            "availability",
            _budget(settings.slo.availability),
            f"({failed} or {_all(settings)} * 0)",
            least,
            chosen,
        ),
        Objective(
            "latency",
            P95_BUDGET,
            f"({count} - {_rate('api_response_seconds_bucket', users(settings, within))})",
            least,
            chosen,
        ),
    )


def burn_rate(objective: Objective, minutes: int) -> str:
    """How many times too fast the budget went in a window: at 1 it lasts exactly as long as promised."""
    return f"{objective.share(minutes)} / {objective.budget}"


def recordings(settings: Settings) -> tuple[RecordingGroup, ...]:
    """Rates first, then what is made of them, in the order of evaluation."""
    found = objectives(settings)
    if not found:
        return ()
    days = settings.slo.days
    rates = [Recording(REQUESTS, _all(settings).replace("WINDOW", BASE))]
    rates += [Recording(each.rate(), each.bad.replace("WINDOW", BASE)) for each in found]
    shares = [each for objective in found for each in _shares(settings, objective, days)]
    budget = [
        Recording(each.remaining(), f"1 - {_mean_share(each, days * 24 * 60)} / {each.budget}")
        for each in found
    ]
    return (
        RecordingGroup("slo-rates", (*rates, *shares)),
        RecordingGroup("slo-budget", tuple(budget), BUDGET_INTERVAL),
    )


def _shares(settings: Settings, objective: Objective, days: int) -> Iterator[Recording]:
    burns = objective.burns((*FAST, *SLOW), days)
    for minutes in sorted({each for burn in burns for each in (burn.long, burn.short)}):
        share = _mean_share(objective, minutes)
        if minutes <= RAW_MINUTES:
            share = f"{objective.bad} / ({_all(settings)} > 0)".replace("WINDOW", duration(minutes))
        yield Recording(objective.share(minutes), share)


def _mean_share(objective: Objective, minutes: int) -> str:
    chosen, span = objective.chosen, duration(minutes)
    bad, requests = f"{objective.rate()}{chosen}[{span}]", f"{REQUESTS}{chosen}[{span}]"
    return f"avg_over_time({bad}) / (avg_over_time({requests}) > 0)"


def _all(settings: Settings) -> str:
    return _rate("api_requests_total", users(settings))


def _rate(metric: str, chosen: str) -> str:
    return f"sum by (namespace) (rate({metric}{chosen}[WINDOW]))"


def _budget(percent: float) -> float:
    return round((100 - percent) / 100, 6)
