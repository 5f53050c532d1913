"""A fault as data: what the exporters say meanwhile, which alerts fire, and which one of them is told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from infra.settings.model import Settings
from tests.infra.monitoring import series, stacks
from tests.infra.monitoring.series import GONE, Course, Level, name


@dataclass(frozen=True)
class Fault:
    """``bad``: series → its course during the fault. ``firing``: every alert that fires, the one that is
    told first. ``minutes``: how long it lasts; ``calm``: after which time all is silent again."""

    firing: tuple[str, ...]
    bad: Mapping[str, Course]
    minutes: int = 10
    calm: int = 20
    step: int = 15
    settings: Settings = field(default_factory=stacks.full)

    @property
    def told(self) -> str:
        """The alert that somebody reads."""
        return self.firing[0]


def gone(alert: str, metric: str, **labels: str) -> Fault:
    return Fault((alert,), {name(metric, **labels): GONE}, 15)


def nearly_full(alert: str, claim: str) -> Fault:
    return Fault((alert,), {series.free(claim): Level(9e8)}, 5)
