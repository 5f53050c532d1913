"""Section ``slo``: what the service promises, and over which time a broken promise is counted."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.base import Section

# Upper bounds of the service's histogram (app/core/metrics.py, a test compares them) in milliseconds: how
# many requests were faster is counted there and nowhere between.
LATENCY_BOUNDS_MS = (5, 10, 25, 50, 100, 200, 500, 1000, 2500, 5000, 10_000)
# From a week on, so that the shortest window (infra/monitoring/slo.py) still holds several scrapes.
SHORTEST_WINDOW_DAYS = 7
Window = Annotated[str, Field(pattern=r"^([7-9]|[1-8][0-9]|90)d$", examples=["30d"])]


class Latency(Section):
    """How fast the service answers."""

    p95_ms: int = Field(
        200,
        ge=5,
        le=10_000,
        description="Milliseconds within which 95 % of the requests are answered; a bound of the histogram: "
        f"{', '.join(map(str, LATENCY_BOUNDS_MS))}.",
    )


class Slo(Section):
    """On by default: a budget that nobody watches is spent unseen. 99.9 % of 30 days are 43 minutes."""

    enabled: bool = Field(
        True, description="Whether the error budget is watched; needs service.enable_metrics."
    )
    availability: float = Field(
        99.9,
        ge=90,
        le=99.99,
        description="Percent of the requests that are answered without an error of the service (5xx); above "
        "99.99 the budget is spent before anybody has read the alert.",
    )
    latency: Latency = Field(Latency(), description="How fast the service answers.")
    window: Window = Field(
        "30d", description="Days over which the error budget counts, 7d to 90d; whole weeks compare best."
    )

    @property
    def days(self) -> int:
        """The window in days."""
        return int(self.window.removesuffix("d"))
