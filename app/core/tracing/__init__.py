"""Spans, where OTEL_EXPORTER_OTLP_ENDPOINT is set; what the others see of them. OpenTelemetry itself is
imported by spans.py and sending.py alone, and they only where tracing is on."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import httpx

from app.core.database import Database
from app.core.metrics import Metrics
from app.core.monitoring.trace import Trace
from app.core.redis import RedisLink
from app.settings import Settings


class Span(Protocol):
    """One piece of work that is under way. ``trace`` has its ids, whether it is sampled or not."""

    trace: Trace

    def current(self) -> AbstractContextManager[object]:
        """Whatever begins while the block runs is a part of this."""

    def answered(self, method: str, route: str | None, status: int, error_code: str | None) -> None:
        """The end of a request."""

    def worked(self, queue: str, error: BaseException | None) -> None:
        """The end of a job."""


class Tracing(Protocol):
    """Makes spans and sends them to the collector."""

    def start(self) -> None:
        """Begins to send, in this process."""

    def request(self, trace: Trace) -> Span:
        """A request's span: a part of the caller's trace, or the first of a new one."""

    def job(self, task: str) -> Span:
        """A job's span, the first of a new trace."""

    def watch_client(self, client: httpx.AsyncClient) -> None:
        """A span of each request of this client, and traceparent in it."""

    async def close(self) -> None:
        """Sends what waits, for a bounded time."""


def make(settings: Settings, metrics: Metrics, database: Database, link: RedisLink) -> Tracing | None:
    """None where tracing is off: then nothing of OpenTelemetry is even imported."""
    if not settings.otel_exporter_otlp_endpoint:
        return None
    from app.core.tracing.spans import Spans

    spans = Spans(settings, metrics)
    spans.watch_database(database.engine)
    link.wrap(spans.watch_redis)
    return spans
