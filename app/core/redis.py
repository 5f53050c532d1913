"""The one pool of connections to Redis, for the cache and the rate limit alike, with its cool-down."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

from app import contract
from app.core.logs import logger

OPERATION_SECONDS = 0.5  # longer than this, a request is better off without Redis
COOL_DOWN_SECONDS = 5.0  # after a failure requests do not wait for Redis again so soon
CONNECTIONS = 16  # of one replica; a command holds one for about a millisecond
log = logger(__name__)


class Script:
    """A Lua script and the SHA-1 by which Redis knows it (https://redis.io/commands/evalsha)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class RedisAwayError(Exception):
    """Redis did not do it: unreachable, too slow, full or read-only. ``asked`` is false in a cool-down."""

    def __init__(self, asked: bool) -> None:
        self.asked = asked
        super().__init__("Redis is away" if asked else "Redis was away a moment ago")


class RedisLink:
    """Runs scripts. After a failure nobody waits for COOL_DOWN_SECONDS; then one caller finds out for all."""

    def __init__(self, address: str) -> None:
        pool = ConnectionPool.from_url(
            address,
            max_connections=CONNECTIONS,
            socket_timeout=None,  # one limit for the whole operation is in run(): cheaper, and it adds up
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            client_name=contract.SERVICE,
        )
        self._client = Redis.from_pool(pool)
        self._command: Callable[..., Awaitable[Any]] = self._client.execute_command
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._rest_until = 0.0

    async def run(
        self, script: Script, keys: Sequence[str | bytes], arguments: Sequence[str | bytes | int]
    ) -> Any:
        """What the script returns, in one round trip (two the first time after a restart of Redis). Raises
        RedisAwayError."""
        async with self._turns:  # waiting for a turn is not Redis's slowness
            now = time.monotonic()
            if now < self._rest_until:
                raise RedisAwayError(asked=False)
            if self._rest_until:
                self._rest_until = now + COOL_DOWN_SECONDS
            try:
                async with asyncio.timeout(OPERATION_SECONDS):
                    answer = await self._evaluate(script, keys, arguments)
            except (RedisError, OSError) as error:
                self._rest(type(error).__name__)
                raise RedisAwayError(asked=True) from error
        if self._rest_until:
            log.info("redis back")
            self._rest_until = 0.0
        return answer

    def _rest(self, reason: str) -> None:
        if not self._rest_until:
            log.warning("redis away", reason=reason)
        self._rest_until = time.monotonic() + COOL_DOWN_SECONDS

    def wrap(self, watch: Callable[[Redis], None]) -> None:
        """Lets ``watch`` put something around the client's commands."""
        watch(self._client)
        self._command = self._client.execute_command

    async def ping(self) -> None:
        """Raises RedisError or OSError where Redis does not answer; an answer ends the cool-down."""
        async with self._turns, asyncio.timeout(OPERATION_SECONDS):
            await self._command("PING")
        self._rest_until = 0.0

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.aclose()

    async def _evaluate(self, script: Script, keys: Sequence[str | bytes], arguments: Sequence[Any]) -> Any:
        rest = (len(keys), *keys, *arguments)
        try:
            return await self._command("EVALSHA", script.digest, *rest)
        except NoScriptError:
            return await self._command("EVAL", script.text, *rest)
