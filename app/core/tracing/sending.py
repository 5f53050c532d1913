"""The way of a span to the collector: what may leave, how many may wait, and what is said of those that do
not get there. Nothing of it makes a request wait."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping, Sequence

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression, trace_exporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Status

from app.core.logs import logger
from app.core.metrics import Metrics

TRACES_PATH = "/v1/traces"  # OTLP specification, "OTLP/HTTP Request": below the endpoint
MOST_WAITING = 2048  # spans, about 4 MB: some hundred requests
BATCH = 512  # spans of one message
EVERY_MILLISECONDS = 1000
SEND_SECONDS = 5.0  # of one message with all its attempts
# All that leaves. Not a path or a query (ids, secrets in links), not a header, not a client's address, not
# the name of a database's user; a statement has placeholders where its values are.
ATTRIBUTES = frozenset(
    {
        "http.request.method", "http.route", "http.response.status_code", "error.type",
        "db.system.name", "db.namespace", "db.operation.name", "db.query.text",
        "server.address", "server.port",
        "messaging.system", "messaging.destination.name", "messaging.operation.type",
    }
)  # fmt: skip
log = logger("app.tracing")


class Outlet(SpanProcessor):
    """The SDK's batches behind a count of what waits: what does not fit is counted as dropped, and said once
    per outage. The SDK itself would say it of each span."""

    def __init__(self, exporter: SpanExporter, metrics: Metrics, most: int = MOST_WAITING) -> None:
        self._metrics = metrics
        self._most = most
        self._waiting = 0
        self._dropped = 0  # of this outage
        self._lock = threading.Lock()
        self._said = LastWords()
        self._exporter = exporter
        door = _Door(exporter, self)
        # Twice the room: a span that was let in always fits.
        self._batches = BatchSpanProcessor(door, 2 * most, EVERY_MILLISECONDS, min(BATCH, most))

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing yet."""

    def on_end(self, span: ReadableSpan) -> None:
        """Puts a sampled span in line."""
        if not (span.context and span.context.trace_flags.sampled):
            return
        with self._lock:
            fits = self._waiting < self._most
            self._waiting += fits
        if fits:
            self._batches.on_end(span)
        else:
            self._drop(1, f"{self._most} spans wait already")

    def sent(self, count: int, result: SpanExportResult) -> None:
        """The end of a batch, good or bad."""
        with self._lock:
            self._waiting -= count
        if result is not SpanExportResult.SUCCESS:
            self._drop(count, self._said.text)
        elif self._dropped:
            log.info("traces sent again", dropped=self._dropped)
            self._dropped = 0

    def _drop(self, count: int, reason: str) -> None:
        with self._lock:
            first, self._dropped = not self._dropped, self._dropped + count
        self._metrics.spans_dropped(count)
        if first:
            log.warning("traces not sent", reason=reason, spans=count)

    def shutdown(self) -> None:
        """Sends what waits; may take as long as the collector does."""
        self._batches.shutdown()  # type: ignore[no-untyped-call]
        self._said.forget()

    def give_up(self) -> None:
        """Ends a ``shutdown`` that takes too long; what waits is dropped."""
        self._exporter.shutdown()
        if self._waiting:
            self._drop(self._waiting, "the service ended")

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Sends what waits."""
        return self._batches.force_flush(timeout_millis)


class _Door(SpanExporter):
    """Only ATTRIBUTES leave. Events and the words of an error do not: a driver's says which value it was
    about."""

    def __init__(self, exporter: SpanExporter, outlet: Outlet) -> None:
        self._exporter = exporter
        self._outlet = outlet

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """In the SDK's own thread."""
        result = SpanExportResult.FAILURE
        try:
            result = self._exporter.export([bare(span) for span in spans])
        finally:
            self._outlet.sent(len(spans), result)
        return result

    def shutdown(self) -> None:
        """Ends the exporter."""
        self._exporter.shutdown()


class LastWords(logging.Filter):
    """Takes the exporter's lines, one of each attempt, out of the log; ``text`` is the last two: why an
    attempt failed, and that no other is made."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: deque[str] = deque(maxlen=2)
        self._logger = logging.getLogger(trace_exporter.__name__)
        self._logger.addFilter(self)

    def filter(self, record: logging.LogRecord) -> bool:
        """False: the line is not written."""
        self._lines.append(record.getMessage())
        return False

    @property
    def text(self) -> str:
        """What the exporter has said last."""
        return " ".join(self._lines) or "the collector took none"

    def forget(self) -> None:
        """Leaves the logger as it was."""
        self._logger.removeFilter(self)


def bare(span: ReadableSpan) -> ReadableSpan:
    """The span with what may leave."""
    given = span.attributes or {}
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in given.items() if name in ATTRIBUTES},
        kind=span.kind,
        status=Status(span.status.status_code),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def exporter(endpoint: str, headers: Mapping[str, str]) -> OTLPSpanExporter:
    """OTLP over HTTP with protobuf, compressed; connects when there is something to send."""
    address = endpoint.rstrip("/") + TRACES_PATH
    return OTLPSpanExporter(
        address, headers=dict(headers), timeout=SEND_SECONDS, compression=Compression.Gzip
    )
