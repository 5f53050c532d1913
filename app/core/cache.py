"""The Redis cache. It only ever saves work: with Redis away every caller gets the computed value."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app import contract
from app.core.logs import logger
from app.core.metrics import Metrics

OPERATION_SECONDS = 0.5  # longer than this, computing is cheaper than waiting
COOL_DOWN_SECONDS = 5.0  # after a failure requests do not wait for Redis again so soon
PREFIX = f"{contract.SERVICE}:"
log = logger(__name__)


class Cache:
    """Text values with a time to live, under this service's prefix."""

    def __init__(self, address: str, metrics: Metrics) -> None:
        self._redis = Redis.from_url(
            address,
            socket_timeout=OPERATION_SECONDS,
            socket_connect_timeout=OPERATION_SECONDS,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
            client_name=contract.SERVICE,
        )
        self._metrics = metrics
        self._rest_until = 0.0

    async def get_or_compute(self, key: str, seconds: int, compute: Callable[[], Awaitable[str]]) -> str:
        """The cached text, else the computed one, which is then kept for ``seconds``. Raises only what
        ``compute`` raises."""
        cached = await self._attempt("get", self._redis.get, PREFIX + key)
        if cached is not None:
            return str(cached)
        value = await compute()
        await self._attempt("set", self._redis.set, PREFIX + key, value, seconds)
        return value

    async def ping(self) -> None:
        """Raises RedisError or OSError where Redis does not answer; an answer ends the cool-down."""
        await self._redis.ping()
        self._rest_until = 0.0

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def _attempt(
        self, operation: str, call: Callable[..., Awaitable[object]], *arguments: object
    ) -> object:
        if time.monotonic() < self._rest_until:
            self._metrics.cache(operation, "skipped")
            return None
        try:
            result = await call(*arguments)
        except (RedisError, OSError) as error:
            self._rest_until = time.monotonic() + COOL_DOWN_SECONDS
            self._metrics.cache(operation, "error")
            log.warning("cache away", operation=operation, reason=type(error).__name__)
            return None
        self._metrics.cache(operation, ("miss" if result is None else "hit") if operation == "get" else "ok")
        return result
