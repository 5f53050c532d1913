"""uvicorn with a drain: SIGTERM first turns readiness away, and only then stops listening."""

from __future__ import annotations

import asyncio
import signal
import time
from types import FrameType

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.context import Context
from app.core.errors import StoppingError, answer
from app.core.logs import logger

log = logger(__name__)


class DrainingServer(uvicorn.Server):
    """After SIGTERM it serves on for DRAIN_SECONDS, while endpoints forget this replica and its worker takes
    no new jobs; then it stops listening, requests and jobs under way have GRACEFUL_SECONDS, and it exits 0.
    SIGINT, or a second signal, skips the rest of DRAIN_SECONDS; another one skips GRACEFUL_SECONDS too."""

    def __init__(self, config: uvicorn.Config, context: Context) -> None:
        super().__init__(config)
        self._context = context
        self._stop_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002  (a handler's signature)
        """The signal handler: only notes what is to be done, ``on_tick`` does it in the event loop. uvicorn's
        own would raise the signal again at the end, and the exit code would not be 0."""
        if self.should_exit:
            self.force_exit = True
        elif sig == signal.SIGINT or self._stop_at is not None:
            self.should_exit = True
        drain = self._context.settings.drain_seconds
        self._stop_at = self._stop_at or time.monotonic() + drain
        self._context.draining = True

    async def on_tick(self, counter: int) -> bool:
        """True ends the serving; asked ten times a second."""
        if self._stop_at is not None:
            self._context.jobs.leave()
            if self.should_exit or time.monotonic() >= self._stop_at:
                self.should_exit = True
                log.info("drained")
        return await super().on_tick(counter)


class StoppingMiddleware:
    """Answers a request that the end of the grace cuts off, where no part of an answer was sent: its client
    may ask again at once, and reaches another replica."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes on whatever else cancels a request."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except asyncio.CancelledError:
            if begun or scope["type"] != "http" or not self._context.draining:
                raise
            log.warning("request cut off")
            await answer(scope, StoppingError())(scope, receive, send)
