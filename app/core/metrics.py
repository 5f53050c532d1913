"""The metrics of contract.METRICS, one registry per application; label values are bounded by construction."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from contextlib import AbstractContextManager

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
from prometheus_client.openmetrics import exposition as openmetrics

from app import contract

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text"
OPENMETRICS_CONTENT_TYPE = f"{OPENMETRICS}; version=1.0.0; charset=utf-8"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
METHOD_NOT_ALLOWED = 405
UNMATCHED = "unmatched"  # one label for every path that is no route: 404s cannot grow the registry
OTHER = "other"  # one label for every word that is not foreseen
MOST_ENDPOINTS = 500  # route templates; more than any service has, and still few series
STATUSES = frozenset(map(str, range(100, 600)))
CACHE_OPERATIONS = frozenset({"get", "set", "delete", "invalidate", "lock", "stats"})
CACHE_RESULTS = frozenset({"hit", "miss", "ok", "error", "skipped", "waited"})
RATE_LIMIT_DECISIONS = frozenset({"allowed", "limited", "blocked", "open", "closed"})
LLM_PROVIDERS = frozenset({"openai", "local"})
LLM_OUTCOMES = frozenset({"ok", "error", "timeout", "limited", "cached"})
BATCH_OUTCOMES = frozenset({"completed", "failed"})
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 5.0, 10.0)

disable_created_metrics()  # type: ignore[no-untyped-call]  # twice the series, read by nobody


class Metrics:
    """Counters of one application. Names and labels stand in contract.METRICS. ``batch_kinds`` are the names
    of the kinds there are."""

    def __init__(self, version: str, environment: str, batch_kinds: Iterable[str] = ()) -> None:
        self.registry = CollectorRegistry()
        self._endpoints: set[str] = set()
        self._batch_kinds = frozenset(batch_kinds)
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
        self._in_flight = Gauge(
            "api_requests_in_flight", "Requests begun and not ended.", registry=self.registry
        )
        self._dropped = Counter("events_dropped", "Events that were not stored.", registry=self.registry)
        self._spans_dropped = Counter(
            "spans_dropped", "Spans that were not sent to the collector.", registry=self.registry
        )
        self._cache = self._counter("cache_operations", "Cache operations.")
        self._errors = self._counter("errors", "Errors answered, by code.")
        self._rate_limit = self._counter("rate_limit_decisions", "Decisions of the rate limit.")
        self._llm = self._counter("llm_requests", "Requests to language models.")
        self._batch_items = self._counter("batch_items", "Items of batch jobs that ended.")
        self._pool = Gauge(
            "database_pool_connections", "Connections of the pool.", ("state",), registry=self.registry
        )
        Gauge(
            "service_info", "Which version runs.", ("version", "environment"), registry=self.registry
        ).labels(version, environment).set(1)

    def _counter(self, name: str, meaning: str) -> Counter:
        return Counter(name, meaning, contract.METRICS[f"{name}_total"], registry=self.registry)

    def request(
        self, method: str, endpoint: str | None, status: int, seconds: float, trace_id: str | None = None
    ) -> None:
        """One answered request; ``endpoint`` is the route's template, None where no route matched.
        ``trace_id`` becomes the exemplar, the latest of its counter and of its bucket. A method that the
        route does not have is OTHER: who tries them all would make eight times the series."""
        exemplar = {"trace_id": trace_id} if trace_id else None
        method = method if method in METHODS and status != METHOD_NOT_ALLOWED else "OTHER"
        endpoint = self._endpoint(endpoint or UNMATCHED)
        self._requests.labels(method, endpoint, known(str(status), STATUSES)).inc(exemplar=exemplar)
        self._seconds.labels(method, endpoint).observe(seconds, exemplar)

    def in_flight(self) -> AbstractContextManager[object]:
        """Counts one request as under way while the block runs."""
        return self._in_flight.track_inprogress()

    def cache(self, operation: str, result: str) -> None:
        """One cache operation, of CACHE_OPERATIONS, and its result, of CACHE_RESULTS."""
        self._cache.labels(known(operation, CACHE_OPERATIONS), known(result, CACHE_RESULTS)).inc()

    def error(self, code: str) -> None:
        """One error body sent."""
        self._errors.labels(known(code, contract.ERROR_CODES)).inc()

    def event_dropped(self) -> None:
        """One event that will not be stored."""
        self._dropped.inc()

    def spans_dropped(self, count: int) -> None:
        """So many spans that no collector will have."""
        self._spans_dropped.inc(count)

    def rate_limit(self, decision: str) -> None:
        """One decision, of RATE_LIMIT_DECISIONS; open and closed are those made while Redis is away."""
        self._rate_limit.labels(known(decision, RATE_LIMIT_DECISIONS)).inc()

    def llm(self, provider: str, outcome: str) -> None:
        """One request to a provider of LLM_PROVIDERS, with an outcome of LLM_OUTCOMES."""
        self._llm.labels(known(provider, LLM_PROVIDERS), known(outcome, LLM_OUTCOMES)).inc()

    def batch_item(self, kind: str, outcome: str) -> None:
        """One item of a batch job of this kind, with an outcome of BATCH_OUTCOMES."""
        self._batch_items.labels(known(kind, self._batch_kinds), known(outcome, BATCH_OUTCOMES)).inc()

    def _endpoint(self, template: str) -> str:
        if template not in self._endpoints and len(self._endpoints) >= MOST_ENDPOINTS:
            return OTHER
        self._endpoints.add(template)
        return template

    def watch_pool(self, in_use: Callable[[], float], idle: Callable[[], float]) -> None:
        """Reads the pool's figures whenever the metrics are asked for."""
        self._pool.labels("in_use").set_function(in_use)
        self._pool.labels("idle").set_function(idle)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The figures and their content type: OpenMetrics, which alone has exemplars, where ``accept`` names
        it, else the text format 0.0.4. Nothing of ``accept`` is given back."""
        if any(part.partition(";")[0].strip() == OPENMETRICS for part in accept.lower().split(",")):
            text: bytes = openmetrics.generate_latest(self.registry)  # type: ignore[no-untyped-call]
            return text, OPENMETRICS_CONTENT_TYPE
        return generate_latest(self.registry), CONTENT_TYPE


def known(word: str, words: Container[str]) -> str:
    """The word where it is foreseen, else OTHER: no caller can make series without end."""
    return word if word in words else OTHER
