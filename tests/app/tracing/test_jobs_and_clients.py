"""Spans of what is no request: jobs of the queue, and requests that the service makes to others."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
from procrastinate import JobContext
from sqlalchemy import text

from app.core.auth.tokens import TokenVerifier
from app.core.jobs.tracing import trace_id
from app.core.jobs.tracing import traced as around
from tests.app.auth.provider import AUDIENCE, ISSUER, Provider, token
from tests.app.tracing.collector import CLIENT, CONSUMER, ERROR, Collector
from tests.app.tracing.conftest import Make

pytestmark = pytest.mark.integration
JOB = SimpleNamespace(id=7, task_name="batch", attempts=0, queue="jobs")


def run_of(job: Any = JOB) -> JobContext:
    return cast("JobContext", SimpleNamespace(job=job))


async def test_a_jobs_span_has_the_trace_id_of_its_lines_and_its_statements_below(
    traced: Make, collector: Collector
) -> None:
    _, context, _ = await traced()
    seen: list[str] = []

    async def work() -> None:
        seen.append(trace_id())
        await context.database.revision()  # of the probes' pool, which is not watched
        async with context.database.reading() as session:
            await session.execute(text("SELECT 1"))

    await around(context)(work, run_of(), cast("Any", None))
    span = collector.first(seen[0])
    assert (span.name, span.kind, span.status, span.parent) == ("job batch", CONSUMER, 0, "")
    assert span.attributes["messaging.destination.name"] == "jobs"
    assert [below.name for below in collector.of(seen[0]) if below.parent == span.span_id] == ["SELECT"]


@pytest.mark.parametrize("error", [RuntimeError("hunter2"), asyncio.CancelledError("hunter2")])
async def test_a_job_that_does_not_end_well_has_a_failed_span_without_the_errors_words(
    traced: Make, collector: Collector, error: BaseException
) -> None:
    _, context, _ = await traced()
    seen: list[str] = []

    async def work() -> None:
        seen.append(trace_id())
        raise error

    with pytest.raises(type(error)):
        await around(context)(work, run_of(), cast("Any", None))
    span = collector.first(seen[0])
    assert (span.status, span.attributes["error.type"]) == (ERROR, type(error).__name__)
    assert b"hunter2" not in b"".join(collector.bodies)


async def test_a_request_to_the_identity_provider_carries_the_trace_on(
    traced: Make, collector: Collector
) -> None:
    provider = Provider()
    provider.start()
    try:
        trio = {"jwt_issuer": ISSUER, "jwt_audience": AUDIENCE, "jwt_jwks_url": provider.url}
        client, context, _ = await traced(**trio)
        assert context.tracing is not None
        context.authenticator = TokenVerifier(context.settings, watch=context.tracing.watch_client)
        answer = await client.get("/auth/me", headers={"Authorization": f"Bearer {token()}"})
    finally:
        provider.stop()
    trace = answer.headers["traceparent"].split("-")[1]
    first = collector.first(trace)
    (out,) = [span for span in collector.of(trace) if span.name == "GET"]
    assert answer.status_code == 200
    assert (out.kind, out.parent) == (CLIENT, first.span_id)
    assert [parent.rpartition("-")[0] for parent in provider.parents] == [f"00-{trace}-{out.span_id}"]
    assert "well-known" not in str(out.attributes)
