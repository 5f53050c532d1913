"""Applications that send their spans to a collector of the test's own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest
from fastapi import FastAPI

from app.core import logs
from app.core.context import Context
from app.main import create_app, make_context
from app.modules import REGISTRY
from tests.app.conftest import DATABASE, TokenTable, make_settings
from tests.app.servers import Postgres, RedisServer
from tests.app.tracing.collector import Collector

Make = Callable[..., Awaitable[tuple[httpx.AsyncClient, Context, FastAPI]]]
HEADERS = "authorization=Bearer%20t0ken-of-the-collector-4711,x-tenant=ledger"


@pytest.fixture
def collector() -> Iterator[Collector]:
    """One that takes everything."""
    made = Collector()
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def traced(postgres: Postgres, redis: RedisServer, collector: Collector) -> AsyncIterator[Make]:
    """``await traced(otel_traces_sampler_arg=0)``: alice's client of an application, and its parts."""
    async with AsyncExitStack() as stack:

        async def make(**changed: object) -> tuple[httpx.AsyncClient, Context, FastAPI]:
            on = {
                "otel_exporter_otlp_endpoint": collector.url,
                "otel_exporter_otlp_headers": HEADERS,
                "otel_traces_sampler_arg": 1.0,
            }
            address = postgres.address("service", DATABASE)
            settings = make_settings(address, redis.address, **on | changed)
            logs.configure("INFO", settings.secrets())
            context = make_context(settings, {name: module.settings() for name, module in REGISTRY.items()})
            context.authenticator = TokenTable()
            stack.push_async_callback(context.close)
            if context.tracing:
                context.tracing.start()
            app = create_app(context)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            headers = {"Authorization": "Bearer user:alice"}
            client = httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers)
            return await stack.enter_async_context(client), context, app

        yield make
