"""What one application holds for its whole life; routes reach it through the request."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Request

from app.core.auth.users import Authenticator
from app.core.cache import Cache
from app.core.database import Database
from app.core.metrics import Metrics
from app.settings import EnvironmentSettings, Settings


@dataclass
class Context:
    """The parts of a running service. ``draining`` turns true on SIGTERM and never back."""

    settings: Settings
    modules: dict[str, EnvironmentSettings]
    metrics: Metrics
    database: Database
    cache: Cache
    authenticator: Authenticator
    draining: bool = False

    async def close(self) -> None:
        """Closes the pools."""
        await self.cache.close()
        await self.database.close()


def context_of(request: Request) -> Context:
    """The dependency that gives a route its application's parts."""
    context: Context = request.app.state.context
    return context
