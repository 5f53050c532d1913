"""A collector that is away, refuses, hangs or comes back; and the end of a replica. No request notices."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from app.core import logs
from app.core.metrics import Metrics
from app.core.tracing import sending, spans
from tests.app.replicas import AUTHORIZATION, Service
from tests.app.servers import Postgres, RedisServer, wait_for
from tests.app.tracing.collector import Collector
from tests.app.tracing.conftest import Make

pytestmark = pytest.mark.integration
QUICK_SECONDS = 1.0  # far below what any attempt to send takes where it has to wait


class Kept:
    """The lines of the log so far: capsys forgets them when it is read."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def of(self, event: str) -> list[dict[str, Any]]:
        self._text += self._capsys.readouterr().out
        return [line for line in map(json.loads, self._text.splitlines()) if line["event"] == event]

    def everything(self) -> list[dict[str, Any]]:
        self.of("")
        return [json.loads(line) for line in self._text.splitlines()]


@pytest.fixture
def kept(capsys: pytest.CaptureFixture[str]) -> Kept:
    return Kept(capsys)


def dropped(metrics: Metrics) -> float:
    return metrics.registry.get_sample_value("spans_dropped_total") or 0.0


async def answered(client: httpx.AsyncClient, requests: int) -> float:
    """The slowest of so many requests, in seconds, all of which were answered."""
    slowest = 0.0
    for _ in range(requests):
        begun = time.monotonic()
        assert (await client.get("/auth/me")).status_code == 200
        slowest = max(slowest, time.monotonic() - begun)
    return slowest


@pytest.mark.parametrize("trouble", ["away", "refuses", "hangs"])
async def test_a_collector_in_trouble_slows_no_request_and_is_said_once(
    traced: Make, collector: Collector, kept: Kept, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_SECONDS", 1.5)
    client, context, _ = await traced()
    await answered(client, 1)
    wait_for(lambda: collector.bodies, "the first span arrives")
    if trouble == "away":
        collector.stop()
    elif trouble == "refuses":
        collector.status = 401
    else:
        collector.gate.clear()
    assert await answered(client, 40) < QUICK_SECONDS
    wait_for(lambda: dropped(context.metrics) > 0, "spans are dropped")
    await answered(client, 40)
    before = dropped(context.metrics)
    wait_for(lambda: dropped(context.metrics) > before, "and later ones too")
    (line,) = kept.of("traces not sent")
    assert line["level"] == "warning"
    assert {"away": "refused", "refuses": "401", "hangs": "timeout"}[trouble] in line["reason"].lower()
    assert [line for line in kept.everything() if "opentelemetry" in line["module"]] == []


async def test_a_collector_that_comes_back_gets_spans_again_and_that_is_said_too(
    traced: Make, collector: Collector, kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "SEND_SECONDS", 1.5)
    collector.status = 503
    client, context, _ = await traced()
    await answered(client, 3)
    wait_for(lambda: dropped(context.metrics) > 0, "spans are dropped")
    collector.status = 200
    await answered(client, 3)
    wait_for(lambda: kept.of("traces sent again"), "it is said")
    assert collector.spans
    assert len(kept.of("traces not sent")) == 1


class Slow(SpanExporter):
    """Takes nothing until told."""

    def __init__(self) -> None:
        self.batches = 0
        self.result = SpanExportResult.SUCCESS

    def export(self, spans: Any) -> SpanExportResult:
        self.batches += 1
        time.sleep(0.2)
        return self.result


def test_of_spans_that_do_not_fit_all_are_counted_and_one_line_is_written(kept: Kept) -> None:
    logs.configure("INFO")
    metrics, exporter = Metrics("1", "test"), Slow()
    outlet = sending.Outlet(exporter, metrics, most=10)
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(outlet)
    tracer = provider.get_tracer("test")
    for _ in range(500):
        tracer.start_span("work").end()
    outlet.shutdown()
    (line,) = kept.of("traces not sent")
    assert line["reason"] == "10 spans wait already"
    assert 480 <= dropped(metrics) <= 490
    assert len(kept.everything()) == 2, "that, and that they are sent again"


async def test_what_waits_at_the_end_is_sent(traced: Make, collector: Collector) -> None:
    client, context, _ = await traced()
    answer = await client.get("/categories")
    await context.close()
    assert answer.headers["traceparent"].split("-")[1] in {span.trace_id for span in collector.spans}


async def test_a_collector_that_hangs_holds_up_the_end_for_a_bounded_time(
    traced: Make, collector: Collector, kept: Kept
) -> None:
    client, context, _ = await traced()
    collector.gate.clear()
    await answered(client, 3)
    begun = time.monotonic()
    await context.close()
    assert time.monotonic() - begun < spans.CLOSE_SECONDS + 1
    assert dropped(context.metrics) > 0
    assert kept.of("traces not sent")[0]["reason"] == "the service ended"


def test_the_process_that_serves_sends_its_spans_also_those_of_its_last_second(
    postgres: Postgres, redis: RedisServer, collector: Collector
) -> None:
    server = Service(
        postgres,
        redis,
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_TRACES_SAMPLER_ARG="1",
        DRAIN_SECONDS="0",
    )
    try:
        server.start()
        wait_for(lambda: server.readiness() == 200, "readiness")
        answer = httpx.get(f"{server.url}/categories", headers=AUTHORIZATION)
        server.terminate()
        assert server.exit_code() == 0
        lines = [line for line in server.lines() if line["event"] == "request"]
    finally:
        server.remove()
    trace = answer.headers["traceparent"].split("-")[1]
    assert trace in {span.trace_id for span in collector.spans} & {line["trace_id"] for line in lines}
