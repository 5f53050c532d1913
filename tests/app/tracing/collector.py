"""A collector of traces on the loopback: takes OTLP over HTTP with protobuf, and keeps every byte."""

from __future__ import annotations

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.app import servers

ERROR = 2  # Status.StatusCode of OTLP
SERVER, CLIENT, CONSUMER = 2, 3, 5  # Span.SpanKind of OTLP


@dataclass(frozen=True)
class Span:
    """What a collector knows of a span; ids in hexadecimal, ``parent`` empty for the first of a trace."""

    name: str
    trace_id: str
    span_id: str
    parent: str
    kind: int
    status: int
    attributes: dict[str, Any]
    resource: dict[str, Any]
    milliseconds: float


def plain(pairs: Any) -> dict[str, Any]:
    """KeyValues as a dict."""
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}


class Collector:
    """``status`` is what it answers; a closed ``gate`` lets every sender wait."""

    def __init__(self) -> None:
        self.status = 200
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self._server: ThreadingHTTPServer | None = None
        self.port = servers.free_port()

    @property
    def url(self) -> str:
        """OTEL_EXPORTER_OTLP_ENDPOINT."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Serves in threads of its own; again on the same port after ``stop``."""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            """Keeps what comes."""

            def do_POST(self) -> None:
                sent = self.rfile.read(int(self.headers["Content-Length"]))
                collector.gate.wait(60)
                if collector.status == 200:
                    collector.keep(self.path, dict(self.headers), gzip.decompress(sent))
                self.send_response(collector.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Nothing on standard error."""

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Refuses connections from now on."""
        self.gate.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def keep(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """One message."""
        self.paths.append(path)
        self.headers.append(headers)
        self.bodies.append(body)

    @property
    def spans(self) -> list[Span]:
        """Every span so far."""
        return [
            Span(
                span.name,
                span.trace_id.hex(),
                span.span_id.hex(),
                span.parent_span_id.hex(),
                span.kind,
                span.status.code,
                plain(span.attributes),
                plain(part.resource.attributes),
                (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6,
            )
            for body in self.bodies
            for part in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in part.scope_spans
            for span in scope.spans
        ]

    def of(self, trace_id: str) -> list[Span]:
        """The spans of a trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def first(self, trace_id: str) -> Span:
        """The request's or the job's span, as soon as it has come; those below it may have come before."""
        servers.wait_for(lambda: self._begun(trace_id), f"a span of {trace_id} arrives", 15)
        (found,) = self._begun(trace_id)
        return found

    def _begun(self, trace_id: str) -> list[Span]:
        return [span for span in self.of(trace_id) if span.kind in {SERVER, CONSUMER}]
