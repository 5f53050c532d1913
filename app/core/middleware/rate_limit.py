"""Asks the rate limit before a request costs anything else; the rules stand in app/core/rate_limit.py."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.context import Context
from app.core.errors import BlockedError, RedisUnavailableError, answer
from app.core.rate_limit import Verdict
from app.core.redis import RedisAwayError


class RateLimitMiddleware:
    """Refuses with 429 what is above the limit; only the beginning of a block is an event. Probes are not
    counted. While Redis is away everything passes but many logins, or with RATE_LIMIT_WHEN_AWAY=closed
    nothing."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._limiter = context.limiter
        self._metrics = context.metrics
        self._events = context.events
        self._open = context.settings.rate_limit_when_away == "open"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Needs state ``identity``, ``client`` and ``probe``."""
        if scope["type"] != "http" or scope["state"]["probe"]:
            await self._app(scope, receive, send)
            return
        try:
            verdict = await self._limiter.check(scope)
        except RedisAwayError:
            await self._without_redis(scope, receive, send)
            return
        self._metrics.rate_limit(word(verdict))
        if verdict.begun:
            self._events.record(scope, BlockedError.code, BlockedError.message, None)
        await self._obey(verdict, scope, receive, send)

    async def _obey(self, verdict: Verdict, scope: Scope, receive: Receive, send: Send) -> None:
        app = answer(scope, verdict.refusal, recorded=False) if verdict.refusal else self._app
        await app(scope, receive, with_headers(send, verdict.headers))

    async def _without_redis(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._open:
            self._metrics.rate_limit("closed")
            await answer(scope, RedisUnavailableError(), recorded=False)(scope, receive, send)
            return
        verdict = self._limiter.check_alone(scope)
        self._metrics.rate_limit(word(verdict) if verdict.refusal else "open")
        await self._obey(verdict, scope, receive, send)


def word(verdict: Verdict) -> str:
    """The metric's label."""
    if verdict.refusal is None:
        return "allowed"
    return "blocked" if isinstance(verdict.refusal, BlockedError) else "limited"


def with_headers(send: Send, headers: list[tuple[bytes, bytes]]) -> Send:
    """``send``, adding the headers to the answer's head."""

    async def extended(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", ()), *headers]
        await send(message)

    return extended
