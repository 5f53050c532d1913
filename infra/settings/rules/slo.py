"""Rules on what the service promises."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.slo import LATENCY_BOUNDS_MS, SHORTEST_WINDOW_DAYS


def latency_is_counted(settings: StackConfig) -> Iterator[Finding]:
    """How many requests were faster is known at the bounds of the service's histogram, and only there."""
    wanted = settings.slo.latency.p95_ms
    if wanted not in LATENCY_BOUNDS_MS:
        place = bisect_left(LATENCY_BOUNDS_MS, wanted)
        below, above = LATENCY_BOUNDS_MS[place - 1], LATENCY_BOUNDS_MS[place]
        yield Finding(
            ("slo", "latency", "p95_ms"),
            f"{wanted} lies between two bounds of the service's histogram, {below} and {above}: how many "
            "requests were faster is not counted",
            f"use {below} or {above}",
        )


def window_is_kept(settings: StackConfig) -> Iterator[Finding]:
    """The budget is a mean over the window: of figures that are gone nobody could say that they were bad."""
    monitoring, slo = settings.monitoring, settings.slo
    if not (monitoring.enabled and slo.enabled and settings.service.enable_metrics) or monitoring.operator:
        return
    kept = monitoring.retention_days
    if slo.days > kept:
        lower = f", or lower slo.window to {kept}d" if kept >= SHORTEST_WINDOW_DAYS else ""
        yield Finding(
            ("monitoring", "retention_days"),
            f"retention_days {kept} is less than slo.window {slo.window}: the error budget would be counted "
            "over what is left",
            f"raise retention_days to {slo.days}{lower}",
            also=(("slo", "window"),),
        )
