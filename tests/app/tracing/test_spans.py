"""Spans as a collector gets them: one trace id everywhere, the caller's decision, no value of anybody's."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from app.core.metrics import OPENMETRICS
from tests.app.servers import wait_for
from tests.app.tracing.collector import CLIENT, ERROR, SERVER, Collector
from tests.app.tracing.conftest import Make

pytestmark = pytest.mark.integration
TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def trace_of(response: httpx.Response) -> str:
    return str(response.headers["traceparent"].split("-")[1])


def said(capsys: pytest.CaptureFixture[str], event: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return [line for line in lines if line["event"] == event]


async def test_a_request_has_one_trace_id_in_its_span_its_log_line_its_error_and_its_exemplar(
    traced: Make, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    client, _, _ = await traced()
    answer = await client.get("/transactions/0b0f6f6c-7d5e-4a0e-9d1b-2f8d1f0f8a11")
    trace = trace_of(answer)
    span = collector.first(trace)
    (line,) = said(capsys, "request")
    figures = (await client.get("/metrics", headers={"Accept": OPENMETRICS})).text
    assert answer.status_code == 404
    assert answer.json()["trace_id"] == line["trace_id"] == trace
    assert answer.headers["traceparent"] == f"00-{trace}-{span.span_id}-01"
    assert f'# {{trace_id="{trace}"}}' in figures
    assert (span.name, span.kind, span.status) == ("GET /transactions/{transaction_id}", SERVER, 0)
    assert span.attributes == {
        "http.request.method": "GET",
        "http.route": "/transactions/{transaction_id}",
        "http.response.status_code": 404,
    }


async def test_a_span_says_whose_it_is(traced: Make, collector: Collector) -> None:
    client, _, _ = await traced(
        version="1.4.2", otel_service_name="ledger", otel_resource_attributes="deployment.environment=prod"
    )
    said_ = collector.first(trace_of(await client.get("/categories"))).resource
    assert said_["service.name"] == "ledger"
    assert said_["service.version"] == "1.4.2"
    assert said_["deployment.environment"] == "prod"
    assert said_["service.instance.id"]


async def test_the_collector_gets_its_headers_and_nobody_else_does(
    traced: Make, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    client, _, _ = await traced()
    collector.first(trace_of(await client.get("/categories")))
    assert collector.paths[0] == "/v1/traces"
    assert collector.headers[0]["authorization"] == "Bearer t0ken-of-the-collector-4711"
    assert collector.headers[0]["x-tenant"] == "ledger"
    assert b"t0ken-of-the-collector" not in b"".join(collector.bodies)
    assert "t0ken-of-the-collector" not in capsys.readouterr().out


async def test_statements_and_commands_are_below_their_request(traced: Make, collector: Collector) -> None:
    client, _, _ = await traced()
    trace = trace_of(await client.get("/categories"))
    first = collector.first(trace)
    below = [span for span in collector.of(trace) if span.parent == first.span_id]
    assert {span.attributes["db.system.name"] for span in below} == {"postgresql", "redis"}
    assert {span.kind for span in below} == {CLIENT}
    assert any(span.attributes["db.query.text"].startswith("SELECT ") for span in below)
    assert all(span.milliseconds <= first.milliseconds for span in below)


@pytest.mark.parametrize(("flags", "sent"), [("01", True), ("00", False)])
async def test_of_a_callers_trace_the_caller_decides(
    traced: Make, collector: Collector, flags: str, sent: bool
) -> None:
    client, _, _ = await traced(otel_traces_sampler_arg=0.0 if sent else 1.0)
    own = trace_of(await client.get("/categories"))
    answer = await client.get("/categories", headers={"traceparent": f"00-{TRACE}-{SPAN}-{flags}"})
    assert answer.headers["traceparent"].split("-")[1::2] == [TRACE, flags]
    other = own if not sent else TRACE  # the one that is sent
    assert collector.first(other).parent == (SPAN if sent else "")
    assert {span.trace_id for span in collector.spans} == {other}


async def test_of_the_traces_begun_here_a_share_is_sent(traced: Make, collector: Collector) -> None:
    client, _, _ = await traced(otel_traces_sampler_arg=0.5)
    answers = [await client.get("/auth/me") for _ in range(60)]
    flagged = {trace_of(answer) for answer in answers if answer.headers["traceparent"].endswith("-01")}
    assert 10 < len(flagged) < 50  # of 60 at one half: outside of it once in ten million runs
    wait_for(lambda: {span.trace_id for span in collector.spans} == flagged, "just they arrive")


async def test_a_request_that_fails_has_a_failed_span_with_its_code(
    traced: Make, collector: Collector
) -> None:
    client, _, app = await traced()

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("hunter2-in-an-exception")

    answer = await client.get("/broken")
    span = collector.first(trace_of(answer))
    assert (answer.status_code, span.status) == (500, ERROR)
    assert span.attributes["error.type"] == answer.json()["error_code"] == "ERR_1000"


async def test_probes_are_no_spans_and_a_statement_by_itself_is_none(
    traced: Make, collector: Collector
) -> None:
    client, context, _ = await traced()
    for path in ("/health", "/readiness", "/liveness", "/metrics"):
        await client.get(path)
    await client.get("/nothing")  # an event, which is written by itself
    await context.events.flush()
    last = trace_of(await client.get("/categories"))
    collector.first(last)
    names = {span.name for span in collector.spans}
    assert not [
        name for name in names if any(word in name for word in ("health", "readi", "live", "metrics"))
    ]
    assert all(span.trace_id == last or span.name in {"GET", "EVALSHA", "EVAL"} for span in collector.spans)


SECRET = "hunter2-Zx8rQm2Lw9Ks"


async def test_what_a_client_sends_is_in_no_span(traced: Make, collector: Collector) -> None:
    client, context, app = await traced()

    @app.get("/refused")
    async def refused(word: str) -> None:
        async with context.database.transaction() as session:
            await session.execute(text("SELECT CAST(CAST(:word AS text) AS integer)"), {"word": word})

    word = {
        "X-Request-ID": SECRET,
        "User-Agent": SECRET,
        "Cookie": f"a={SECRET}",
        "tracestate": f"a={SECRET}",
    }
    answers = [
        await client.get(f"/transactions?q={SECRET}", headers=word),
        await client.get(f"/{SECRET}/{SECRET}?token={SECRET}", headers=word),
        await client.request(SECRET.upper(), f"/categories#{SECRET}"),
        await client.get("/categories", headers={"Authorization": f"Bearer {SECRET}"}),
        await client.post("/categories", json={"name": SECRET}, headers=word),
        await client.get("/refused", params={"word": SECRET}),
        await client.post("/api/v1/auth/login", data={"username": SECRET, "password": SECRET}),
        await client.post(
            "/transactions",
            json={"date": "2026-01-15", "description": SECRET, "amount": "1", "type": "income"},
        ),
    ]
    assert {answer.status_code for answer in answers} >= {200, 201, 401, 404, 405, 500}
    for answer in answers:
        collector.first(trace_of(answer))
    sent = b"".join(collector.bodies)
    assert SECRET.encode().lower() not in sent.lower()
    assert b"alice" not in sent
    assert context.settings.database_url.get_secret_value().partition("@")[0].encode() not in sent
    failed = {span.name for span in collector.spans if span.status == ERROR}
    assert failed == {"GET /refused", "SELECT"}, (
        "the statement has failed, and the database's words are left out"
    )


OFF = """
import sys
from app.main import configure, create_app, make_context
create_app(make_context(*configure()))
heavy = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "opentelemetry.instrumentation", "requests")
print([name for name in sys.modules if name.startswith(heavy)])
"""


def test_while_tracing_is_off_nothing_that_makes_or_sends_spans_is_imported() -> None:
    """FastAPI needs OpenTelemetry's interface, and redis looks for its metrics, whether we want it or not."""
    variables = {
        "DATABASE_URL": "postgresql://service:Zx8rQm2Lw9Ks@127.0.0.1:1/ledger",
        "REDIS_URL": "redis://:Zx8rQm2Lw9Ks@127.0.0.1:1/0",
        "SECRET_KEY": "Zx8rQm2Lw9KsPd4TgVb7Ny1Hc6Jf3Xa5",
        "OTEL_TRACES_SAMPLER_ARG": "1",
        "OTEL_EXPORTER_OTLP_HEADERS": "a=b",
    }
    done = subprocess.run(
        [sys.executable, "-c", OFF], env=variables, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n", done.stderr


async def test_while_tracing_is_off_nothing_is_sent_and_the_trace_goes_on(
    traced: Make, collector: Collector
) -> None:
    client, context, _ = await traced(otel_exporter_otlp_endpoint="")
    answer = await client.get("/categories", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})
    figures = (await client.get("/metrics", headers={"Accept": OPENMETRICS})).text
    assert context.tracing is None
    assert trace_of(answer) == TRACE
    assert f'# {{trace_id="{TRACE}"}}' in figures, "its log line is found by it"
    assert collector.bodies == []
