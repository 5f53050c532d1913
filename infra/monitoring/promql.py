"""Pieces of PromQL that several alerts share. A stack's own series carry its namespace."""

from __future__ import annotations

from infra.settings.model import Settings

RATE_SECONDS = 120
# Below it a rate is chance: with two that fail in a row there are still two.
SCRAPES = 4
# What Grafana makes of it: four scrapes at least, and no less than lies between two points of a graph.
BETWEEN = "$__rate_interval"
# Paths that are asked by machines all the time: no user waits for them. app/contract.py, a test compares.
PROBES = ("/health", "/readiness", "/liveness", "/metrics")


def here(settings: Settings, *matchers: str) -> str:
    """A selector of the stack's own series: ``{namespace="ledger",status=~"5.."}``."""
    return "{" + ",".join((f'namespace="{settings.namespace_name}"', *matchers)) + "}"


def users(settings: Settings, *matchers: str) -> str:
    """A selector of what users asked for, without probes."""
    return here(settings, f'endpoint!~"{"|".join(PROBES)}"', *matchers)


def window(settings: Settings, seconds: int, scrapes: int = SCRAPES) -> int:
    """Seconds of a range over the stack's own series: so many, and never fewer than ``scrapes`` readings."""
    return max(seconds, scrapes * settings.monitoring.scrape_interval_seconds)


def rate_window(settings: Settings) -> str:
    """The range of a rate, as a Prometheus duration."""
    return f"{window(settings, RATE_SECONDS)}s"


def or_zero(expression: str, counted: str) -> str:
    """A figure that has no series before it happens for the first time: 0 where ``counted`` is there."""
    return f"{expression} or {counted} * 0"


def duration(minutes: int) -> str:
    """A Prometheus duration in its largest whole unit: ``90m``, ``6h``, ``3d``."""
    for unit, size in (("d", 24 * 60), ("h", 60)):
        if minutes % size == 0:
            return f"{minutes // size}{unit}"
    return f"{minutes}m"
