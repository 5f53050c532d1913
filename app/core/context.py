"""What one application holds for its whole life; routes reach it through the request."""

from __future__ import annotations

import asyncio
from collections.abc import Container
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from fastapi import Request

from app.core.auth.users import Authenticator
from app.core.cache import Cache
from app.core.database import Database
from app.core.metrics import Metrics
from app.core.monitoring.store import EventStore
from app.core.rate_limit import RateLimiter
from app.core.tracing import Tracing
from app.settings import EnvironmentSettings, Settings

CLOSE_SECONDS = 2.0


class JobQueue(Protocol):
    """What the others ask of this replica's share of the work; it stands in app/core/jobs/runner.py."""

    @property
    def kinds(self) -> Container[str]:
        """The names of the batch kinds."""

    def start(self) -> None:
        """Begins to work."""

    def leave(self) -> None:
        """Takes nothing new."""

    async def stop(self) -> None:
        """Returns when nothing runs any more."""

    async def forget_old(self) -> None:
        """Removes what ended long ago."""


@dataclass
class Context:
    """The parts of a running service. ``draining`` turns true on SIGTERM and never back."""

    settings: Settings
    modules: dict[str, EnvironmentSettings]
    metrics: Metrics
    database: Database
    cache: Cache
    limiter: RateLimiter
    authenticator: Authenticator
    events: EventStore
    tracing: Tracing | None = None
    draining: bool = False
    jobs: JobQueue = field(init=False)  # made last, since it works with all the others

    @property
    def cache_scope(self) -> str:
        """What a function cached by its context depends on besides its arguments: nothing."""
        return ""

    def start(self) -> None:
        """Begins to send spans, to write events and to work on jobs."""
        if self.tracing:
            self.tracing.start()
        self.events.start()
        self.jobs.start()

    async def close(self) -> None:
        """Writes the last events, sends the last spans at the same time, and closes the pools."""
        await asyncio.gather(self._end(), *([self.tracing.close()] if self.tracing else []))

    async def _end(self) -> None:
        await self.events.stop()
        await self.cache.close()
        with suppress(TimeoutError):  # a database that hangs does not even say goodbye
            async with asyncio.timeout(CLOSE_SECONDS):
                await self.database.close()


async def context_of(request: Request) -> Context:
    """The dependency that gives a route its application's parts. Async: others run in threads."""
    context: Context = request.app.state.context
    return context
