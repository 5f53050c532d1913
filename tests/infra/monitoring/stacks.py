"""The stacks whose alerts are proved: one that has everything outside, and the sandbox."""

from __future__ import annotations

from functools import cache

from infra.render import everything, generate
from infra.render.generate import profile
from infra.settings.model import Settings
from infra.settings.slo import Slo
from infra.settings.stack import Environment


@cache
def full(window: str = "30d") -> Settings:
    """Production with everything."""
    return everything.of(profile(Environment.PROD), Slo(window=window))


@cache
def slow() -> Settings:
    """With the fewest figures that can be set: one a minute."""
    return _monitored(scrape_interval_seconds=60)


@cache
def operated() -> Settings:
    """On a cluster whose prometheus-operator measures it."""
    return generate.operated(full())


def _monitored(**changed: object) -> Settings:
    base = full()
    return base.model_copy(update={"monitoring": base.monitoring.model_copy(update=changed)})


@cache
def sandbox() -> Settings:
    """As `make up` brings it up."""
    return profile(Environment.SANDBOX)
