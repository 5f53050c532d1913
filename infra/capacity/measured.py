"""What a stack's Prometheus measured of every container over a time (its HTTP API, version 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime

import httpx

from infra import alerting, names
from infra.alerting import Place
from infra.capacity.formula import CPU_PERCENTILE, Use
from infra.settings.model import Settings

RATE_SECONDS = 120  # of a rate; at least two scrapes, and short enough for a peak to stay one
STEP_SECONDS = 60
COUNT_SECONDS = 300  # between two looks at whether anything was measured


def queries(settings: Settings, hours: int) -> dict[str, str]:
    """PromQL by name: the busiest pod's figure of each container, by the label ``container``."""
    spaces = "|".join((settings.namespace_name, names.logs_namespace(settings.namespace_name)))
    chosen = f'namespace=~"{spaces}",container!="",container!="POD"'
    rate = max(RATE_SECONDS, 4 * settings.monitoring.scrape_interval_seconds)
    cpu = f"rate(container_cpu_usage_seconds_total{{{chosen}}}[{rate}s])[{hours}h:{STEP_SECONDS}s]"
    memory = f"container_memory_working_set_bytes{{{chosen}}}"
    kills = f"increase(container_oom_events_total{{{chosen}}}[{hours}h])"
    looks = f"(count by (container) ({memory}))[{hours}h:{COUNT_SECONDS}s]"
    return {
        "cpu": f"1000 * max by (container) (quantile_over_time({CPU_PERCENTILE}, {cpu}))",
        "memory": f"max by (container) (max_over_time({memory}[{hours}h]))",
        "hours": f"count_over_time({looks}) * {COUNT_SECONDS} / 3600",
        "kills": f"sum by (container) ({kills})",
    }


def uses(where: Place, settings: Settings, hours: int, moment: datetime) -> dict[str, Use]:
    """Container → its use; without those of which there is no CPU or memory. Raises UserError where
    Prometheus does not answer or refuses."""
    with alerting.client(where, where.prometheus) as server:
        found = {
            name: _values(where, server, query, moment) for name, query in queries(settings, hours).items()
        }
    return {
        container: Use(
            found["cpu"][container],
            memory,
            min(found["hours"].get(container, 0.0), float(hours)),
            math.ceil(found["kills"].get(container, 0.0)),
        )
        for container, memory in found["memory"].items()
        if container in found["cpu"]
    }


def _values(where: Place, server: httpx.Client, query: str, moment: datetime) -> Mapping[str, float]:
    asked: dict[str, str | float] = {"query": query, "time": moment.timestamp()}
    rows = alerting.answered(where, server.get("/api/v1/query", params=asked))["data"]["result"]
    values = {row["metric"]["container"]: float(row["value"][1]) for row in rows}
    return {container: value for container, value in values.items() if math.isfinite(value)}
