"""The metrics of contract.METRICS, one registry per application; label values are bounded by construction."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
UNMATCHED = "unmatched"  # one label for every path that is no route: 404s cannot grow the registry
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series, read by nobody


class Metrics:
    """Counters of one application. Names and labels stand in contract.METRICS."""

    def __init__(self, version: str, environment: str) -> None:
        self.registry = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self._requests = Counter(
            "api_requests", "Requests answered.", ("method", "endpoint", "status"), registry=self.registry
        )
        self._seconds = Histogram(
            "api_response_seconds",
            "Seconds until the response was sent.",
            ("method", "endpoint"),
            buckets=BUCKETS,
            registry=self.registry,
        )
        self._cache = Counter(
            "cache_operations", "Cache operations.", ("operation", "result"), registry=self.registry
        )
        self._errors = Counter("errors", "Errors answered, by code.", ("error_code",), registry=self.registry)
        self._pool = Gauge(
            "database_pool_connections", "Connections of the pool.", ("state",), registry=self.registry
        )
        Gauge(
            "service_info", "Which version runs.", ("version", "environment"), registry=self.registry
        ).labels(version, environment).set(1)

    def request(self, method: str, endpoint: str | None, status: int, seconds: float) -> None:
        """One answered request; ``endpoint`` is the route's template, None where no route matched."""
        method = method if method in METHODS else "OTHER"
        self._requests.labels(method, endpoint or UNMATCHED, str(status)).inc()
        self._seconds.labels(method, endpoint or UNMATCHED).observe(seconds)

    def cache(self, operation: str, result: str) -> None:
        """One cache operation; result is hit, miss, ok, error or skipped."""
        self._cache.labels(operation, result).inc()

    def error(self, code: str) -> None:
        """One error body sent."""
        self._errors.labels(code).inc()

    def watch_pool(self, in_use: Callable[[], float], idle: Callable[[], float]) -> None:
        """Reads the pool's figures whenever the metrics are asked for."""
        self._pool.labels("in_use").set_function(in_use)
        self._pool.labels("idle").set_function(idle)

    def render(self) -> bytes:
        """The text exposition format 0.0.4."""
        return generate_latest(self.registry)
