"""The stacks whose alerts are proved: one that has everything outside, and the sandbox."""

from __future__ import annotations

from functools import cache

from infra.render import everything
from infra.render.generate import profile
from infra.settings.model import Settings
from infra.settings.slo import Slo
from infra.settings.stack import Environment


@cache
def full(window: str = "30d") -> Settings:
    """Production with everything."""
    return everything.of(profile(Environment.PROD), Slo(window=window))


@cache
def sandbox() -> Settings:
    """As `make up` brings it up."""
    return profile(Environment.SANDBOX)
