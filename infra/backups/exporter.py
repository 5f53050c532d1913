"""Figures about backups for Prometheus: read from the store in rounds, served from memory at any time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from infra.backups import report
from infra.backups.listing import Backup, Catalogue
from infra.backups.manifest import Kind, Manifest
from infra.backups.records import Drill, Result
from infra.errors import UserError

EXPORTER_PORT = 9187
ROUNDS_LATE = 10  # that many without an end, good or bad, and the reader hangs
LEAST_LATE_SECONDS = 600.0  # a store that does not answer holds one round up for so long
REQUEST_SECONDS = 10


class Figures(Collector):
    """What is known. A figure that nothing is known of yet is absent: 0 would be a moment in 1970."""

    def __init__(self) -> None:
        self._families: list[GaugeMetricFamily] = []
        self._reachable = False
        self.ended = time.monotonic()  # the last round
        self._said: str | None = None

    def read(self, catalogue: Catalogue) -> None:
        """One round. While the store is away, what was read before stays."""
        try:
            self._families, self._reachable = list(families(catalogue.read())), True
            error = None
        except UserError as away:
            self._reachable, error = False, away
        if error and str(error) != self._said:
            report.problems(error)
        self._said = str(error) if error else None
        self.ended = time.monotonic()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """For prometheus_client."""
        meaning = "Whether the last reading of the object store succeeded."
        yield GaugeMetricFamily("backup_store_reachable", meaning, value=float(self._reachable))
        yield from self._families


def families(backups: Sequence[Backup]) -> Iterator[GaugeMetricFamily]:
    """All figures of a listing, the newest first."""
    success = GaugeMetricFamily(
        "backup_last_success_timestamp_seconds", "When the newest good backup was taken.", labels=["kind"]
    )
    size = GaugeMetricFamily(
        "backup_size_bytes", "Bytes in the store of the newest good backup.", labels=["kind"]
    )
    for kind in Kind:
        made = next((each for each in _good(backups) if each.kind is kind), None)
        if made:
            success.add_metric([kind.value], made.moment.timestamp())
            size.add_metric([kind.value], made.bytes)
    yield from (success, size)
    broken = [each for each in backups if each.problem and (each.complete or each.drills)]
    meaning = "Backups whose manifest is gone or cannot be believed, or whose objects do not match it."
    yield GaugeMetricFamily("backup_broken", meaning, value=len(broken))
    yield from _drills([each.drill for each in backups if each.drill])


def _good(backups: Sequence[Backup]) -> Iterator[Manifest]:
    return (each.manifest for each in backups if each.manifest and not each.problem)


def _drills(drills: Sequence[Drill]) -> Iterator[GaugeMetricFamily]:
    if not drills:
        return
    last = max(drills, key=lambda drill: drill.moment)
    well = [drill.moment for drill in drills if drill.result is Result.OK]
    if well:
        meaning = "When a drill last restored a backup and found everything."
        yield GaugeMetricFamily(
            "backup_last_verified_timestamp_seconds", meaning, value=max(well).timestamp()
        )
    success = float(last.result is Result.OK)
    yield GaugeMetricFamily("backup_drill_success", "Whether the last drill found everything.", value=success)
    meaning = "Seconds that the last drill's restore took."
    yield GaugeMetricFamily("restore_duration_seconds", meaning, value=last.seconds)


def serve(catalogue: Catalogue, address: str, port: int, refresh_seconds: float) -> None:
    """Reads and serves until a signal ends it. Raises UserError where the port is taken."""
    figures = Figures()
    registry = CollectorRegistry(auto_describe=False)
    registry.register(figures)
    late = max(LEAST_LATE_SECONDS, ROUNDS_LATE * refresh_seconds)
    try:
        server = _Server((address, port), figures, registry, late)
    except OSError as error:
        what = f"cannot be listened on: {error.strerror}"
        raise UserError.of(f"{address}:{port}", what, "choose another --port") from None
    Thread(target=server.serve_forever, daemon=True).start()
    report.say("done", step="listen", address=address, port=server.server_port)
    never = Event()
    while True:
        figures.read(catalogue)
        never.wait(refresh_seconds)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], figures: Figures, registry: CollectorRegistry, late: float
    ) -> None:
        super().__init__(address, _Handler)
        self._figures, self._registry, self._late = figures, registry, late

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Status, content type and body."""
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
        if path != "/healthz":
            return 404, "text/plain", b"/metrics or /healthz\n"
        if time.monotonic() - self._figures.ended > self._late:
            return 503, "text/plain", b"the store has not been read for too long\n"
        return 200, "text/plain", b"ok\n"


class _Handler(BaseHTTPRequestHandler):
    timeout = REQUEST_SECONDS
    server: _Server

    def do_GET(self) -> None:
        status, kind, body = self.server.answer(self.path.partition("?")[0])
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name)
        """Probes and scrapes are not worth a line."""
