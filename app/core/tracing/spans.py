"""Spans by OpenTelemetry's SDK: of requests, statements, commands of Redis, requests to others, and jobs.

The request's own span is made here and neither by FastAPI's telemetry nor by OpenTelemetry's middleware: they
read traceparent by themselves, which would make a second trace id (docs/decisions/0025).
"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress

import httpx
from opentelemetry import trace as api
from opentelemetry.context import Context as SpanPlace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import (
    Decision,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    TraceState,
)
from opentelemetry.util.types import Attributes
from redis.asyncio import Redis
from sqlalchemy.ext.asyncio import AsyncEngine

from app import contract
from app.core import values
from app.core.errors import SERVER_ERROR
from app.core.logs import logger
from app.core.metrics import METHODS, Metrics
from app.core.monitoring.trace import Trace
from app.core.tracing import sending
from app.settings import Settings

# The libraries' default are the names of before 2025. They read it once, as they are first used.
os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http,database")
CLOSE_SECONDS = 3.0  # beside the events and the database, which take longer together
OTHER_METHOD = "_OTHER"  # OpenTelemetry's word for a method that nobody knows
FIRST = frozenset({SpanKind.SERVER, SpanKind.CONSUMER})
NOWHERE = SpanPlace()
log = logger("app.tracing")


class Beginnings(Sampler):
    """Of new traces: only a request or a job is worth one. A statement by itself, of the events' writer for
    example, is none."""

    def __init__(self, ratio: float) -> None:
        self._ratio = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: SpanPlace | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        """As the ratio has it, for those that may begin one."""
        if kind not in FIRST:
            return SamplingResult(Decision.DROP)
        return self._ratio.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        """For people."""
        return f"Beginnings({self._ratio.get_description()})"


class Work:
    """A span of OpenTelemetry's as the service uses it."""

    def __init__(self, span: api.Span) -> None:
        self._span = span
        found = span.get_span_context()
        ids = f"{found.trace_id:032x}", f"{found.span_id:016x}"
        self.trace = Trace(*ids, sampled=found.trace_flags.sampled)

    def current(self) -> AbstractContextManager[object]:
        """Exceptions are not recorded: their words may hold what a client has sent."""
        return api.use_span(self._span, record_exception=False, set_status_on_exception=False)

    def answered(self, method: str, route: str | None, status: int, error_code: str | None) -> None:
        """Attributes by the semantic conventions for HTTP servers, 1.23 and later."""
        if self._span.is_recording():
            word = method if method in METHODS else OTHER_METHOD
            self._span.update_name(f"{word} {route}" if route else word)
            self._span.set_attribute("http.request.method", word)
            self._span.set_attribute("http.response.status_code", status)
            if route:
                self._span.set_attribute("http.route", route)
            if status >= SERVER_ERROR:
                self._fail(error_code or str(status))
        self._span.end()

    def worked(self, queue: str, error: BaseException | None) -> None:
        """Attributes by the semantic conventions for messaging."""
        if self._span.is_recording():
            self._span.set_attribute("messaging.system", "procrastinate")
            self._span.set_attribute("messaging.destination.name", queue)
            self._span.set_attribute("messaging.operation.type", "process")
            if error:
                self._fail(type(error).__name__)
        self._span.end()

    def _fail(self, kind: str) -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(StatusCode.ERROR)


class Spans:
    """The tracing of one application. The process's global provider stays as it is."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        headers = values.pairs(settings.otel_exporter_otlp_headers.get_secret_value())
        self._exporter = sending.exporter(settings.otel_exporter_otlp_endpoint, headers)
        self._metrics = metrics
        self._provider = TracerProvider(
            sampler=ParentBased(Beginnings(settings.otel_traces_sampler_arg)),
            resource=Resource.create(described(settings)),
            shutdown_on_exit=False,
        )
        self._tracer = self._provider.get_tracer(contract.SERVICE, settings.version)
        self._outlet: sending.Outlet | None = None

    def start(self) -> None:
        """The sending thread is made in the process that serves: threads do not survive a fork."""
        if self._outlet is None:
            self._outlet = sending.Outlet(self._exporter, self._metrics)
            self._provider.add_span_processor(self._outlet)

    def request(self, trace: Trace) -> Work:
        """``trace.parent``: the caller's span, whose decision holds."""
        return Work(self._tracer.start_span("request", _place(trace), SpanKind.SERVER))

    def job(self, task: str) -> Work:
        """The first of a new trace."""
        return Work(self._tracer.start_span(f"job {task}", NOWHERE, SpanKind.CONSUMER))

    def watch_database(self, engine: AsyncEngine) -> None:
        """A span of each statement for requests and jobs. The tracer itself and not its instrumentor, which
        would wrap every engine of the process, the probes' too."""
        from opentelemetry.instrumentation.sqlalchemy.engine import EngineTracer

        usage = NoOpMeterProvider().get_meter(contract.SERVICE).create_up_down_counter("connections")
        tracer = self._provider.get_tracer("opentelemetry.instrumentation.sqlalchemy")
        EngineTracer(tracer, engine.sync_engine, usage)  # type: ignore[no-untyped-call]

    def watch_redis(self, client: Redis) -> None:
        """A span of each command; of its arguments only how many they were."""
        from opentelemetry.instrumentation.redis import RedisInstrumentor

        RedisInstrumentor.instrument_client(client, self._provider)

    def watch_client(self, client: httpx.AsyncClient) -> None:
        """See Tracing."""
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

        HTTPXClientInstrumentor.instrument_client(client, self._provider, NoOpMeterProvider())

    async def close(self) -> None:
        """At most CLOSE_SECONDS. In a thread of its own: asyncio's would be waited for at the end."""
        if self._outlet is None:
            return
        outlet, done, loop = self._outlet, asyncio.Event(), asyncio.get_running_loop()

        def end() -> None:
            outlet.shutdown()
            with suppress(RuntimeError):  # it took too long, and the loop is over
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=end, daemon=True, name="traces' end").start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await done.wait()
        except TimeoutError:
            outlet.give_up()


def described(settings: Settings) -> Mapping[str, str]:
    """Who the spans are of, by the semantic conventions for resources."""
    return {
        "service.name": settings.otel_service_name,
        "service.version": settings.version,
        "service.instance.id": socket.gethostname(),  # a pod's name
        **values.pairs(settings.otel_resource_attributes),
    }


def _place(trace: Trace) -> SpanPlace:
    """Where a request's span stands: below its caller's, or nowhere."""
    if trace.parent is None:
        return NOWHERE
    flags = TraceFlags(TraceFlags.SAMPLED if trace.sampled else TraceFlags.DEFAULT)
    caller = SpanContext(int(trace.trace_id, 16), int(trace.parent, 16), is_remote=True, trace_flags=flags)
    return api.set_span_in_context(NonRecordingSpan(caller), NOWHERE)
