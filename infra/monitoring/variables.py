"""What Grafana puts in the place of its variables, for everybody who asks Prometheus without Grafana."""

from __future__ import annotations

from dataclasses import dataclass

from infra.monitoring.panel import Board
from infra.monitoring.promql import BETWEEN

ALL = ".*"  # what stands for a variable of which nothing was chosen
POINTS = 240  # of a graph; the step grows with the time that it shows
LEAST_SCRAPES = 4


@dataclass(frozen=True)
class Window:
    """The time that is looked at, in seconds. ``scrape``: between two figures of one target."""

    seconds: int
    scrape: int

    @property
    def step(self) -> int:
        """Between two points; never shorter than a scrape, as of a data source with ``timeInterval``."""
        return max(self.scrape, self.seconds // POINTS)

    @property
    def rate_interval(self) -> int:
        """$__rate_interval (grafana.com, "Prometheus template variables"): a step and a scrape, and four
        scrapes at least."""
        return max(self.step + self.scrape, LEAST_SCRAPES * self.scrape)


def resolved(expression: str, board: Board, window: Window) -> str:
    """PromQL that Prometheus itself understands."""
    text = expression.replace(BETWEEN, f"{window.rate_interval}s")
    for variable in board.variables:
        text = text.replace(f"${variable.name}", ALL)
    return text
