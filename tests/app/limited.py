"""Applications whose rate limit is small and whose counters are nobody else's."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx

from app.core.context import Context
from app.ledger.settings import LedgerSettings
from app.main import create_app, make_context
from tests.app.conftest import DATABASE, TokenTable, make_settings
from tests.app.servers import Postgres, RedisServer

PATH = "/nothing"  # no route: the limit comes first, and nothing else is asked


class Limited:
    """One application with limits of its own; ``get`` sends from an address, with a token or without."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.app = create_app(context)

    async def get(
        self, path: str = PATH, method: str = "GET", token: str = "", client: str = "192.0.2.1"
    ) -> httpx.Response:
        transport = httpx.ASGITransport(self.app, client=(client, 1234))
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as sent:
            return await sent.request(method, path)

    def decisions(self) -> dict[str, float]:
        """decision → how often."""
        return {
            sample.labels["decision"]: sample.value
            for metric in self.context.metrics.registry.collect()
            if metric.name == "rate_limit_decisions"
            for sample in metric.samples
        }


Make = Callable[..., Limited]


@asynccontextmanager
async def limited_services(postgres: Postgres, redis: RedisServer) -> AsyncIterator[Make]:
    """``make(rate_limit_per_minute=3)``: an application whose counters are nobody else's."""
    made: list[Context] = []

    def make(**changed: object) -> Limited:
        changed = {
            "secret_key": uuid.uuid4().hex,
            "redis_url": redis.address,
            "rate_limit_routes": (),
        } | changed
        database = str(changed.pop("database_url", postgres.address("service", DATABASE)))
        settings = make_settings(database, str(changed.pop("redis_url")), modules=("ledger",), **changed)
        context = make_context(settings, {"ledger": LedgerSettings()})
        context.authenticator = TokenTable()
        made.append(context)
        return Limited(context)

    yield make
    for context in made:
        await context.close()


def code(response: httpx.Response) -> str:
    return str(response.json()["error_code"])
