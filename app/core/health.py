"""Probes: /health for people, /readiness and /liveness for the kubelet, /metrics for Prometheus (C6)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, HTTPException, Request, Response
from pydantic import BaseModel, Field

from app import contract
from app.core.context import Context, context_of
from app.core.logs import logger
from app.migrations import phases

UNAVAILABLE = 503
REVISIONS = phases.read()
KNOWN_REVISIONS = tuple(revision.id for revision in REVISIONS)
log = logger(__name__)

State = Literal["up", "down"]
Live = Annotated[Context, Depends(context_of)]


class Checks(BaseModel):
    """One word for each dependency."""

    database: State
    cache: State


class Health(BaseModel):
    """``healthy``; ``degraded`` while only the cache is away (everything still works, slower);
    ``unhealthy`` with status 503 while the database is away."""

    status: Literal["healthy", "degraded", "unhealthy"]
    timestamp: datetime
    version: str
    checks: Checks


class Readiness(BaseModel):
    """Whether this replica may get traffic, and every reason why not."""

    status: Literal["ready", "not ready"]
    reasons: list[str] = Field(description="Empty while ready")


class Liveness(BaseModel):
    """That the event loop answers; no dependency is asked."""

    status: Literal["alive"] = "alive"


class Probe:
    """One check with a time limit. Callers at the same time share one attempt, and an attempt that hangs is
    not joined by more: what it would hold (a connection) stays bounded."""

    def __init__(self, name: str, check: Callable[[], Awaitable[str | None]]) -> None:
        self._name = name
        self._check = check
        self._attempt: asyncio.Task[tuple[bool, str | None]] | None = None

    async def result(self) -> tuple[bool, str | None]:
        """(answered in time, what the check returned)."""
        if self._attempt is None or self._attempt.done():
            self._attempt = asyncio.create_task(self._run())
        attempt = self._attempt
        done, _ = await asyncio.wait({attempt}, timeout=contract.PROBE_SECONDS)
        if not done:
            attempt.cancel()
            log.warning("check timed out", check=self._name, seconds=contract.PROBE_SECONDS)
        return attempt.result() if done and not attempt.cancelled() else (False, None)

    async def _run(self) -> tuple[bool, str | None]:
        try:
            return True, await self._check()
        except Exception as error:
            log.warning("check failed", check=self._name, reason=type(error).__name__)
            return False, None


class Probes:
    """The checks of one application."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._database = Probe("database", context.database.revision)
        self._cache = Probe("cache", context.cache.ping)

    async def health(self) -> Health:
        """Both dependencies, asked at the same time."""
        (database, _), (cache, _) = await asyncio.gather(self._database.result(), self._cache.result())
        status: Literal["healthy", "degraded", "unhealthy"] = (
            "unhealthy" if not database else "healthy" if cache else "degraded"
        )
        checks = Checks(database="up" if database else "down", cache="up" if cache else "down")
        version = self._context.settings.version
        return Health(status=status, timestamp=datetime.now(UTC), version=version, checks=checks)

    async def readiness(self) -> Readiness:
        """Draining, the database and its schema; the cache is no reason, since everything works without."""
        reasons = ["draining"] if self._context.draining else []
        if not reasons:
            answered, revision = await self._database.result()
            reasons = schema_problems(revision) if answered else ["database away"]
        return Readiness(status="not ready" if reasons else "ready", reasons=reasons)


def schema_problems(revision: str | None) -> list[str]:
    """A schema behind what this version needs is a reason. One that waits for contract revisions is not, nor
    is one ahead: around a release two versions meet one schema, which migrations keep fit for both."""
    if revision is None:
        return ["no migration has run"]
    needed = phases.needed(REVISIONS)
    behind = revision in KNOWN_REVISIONS and phases.pending(REVISIONS, revision, needed)
    return [f"schema is at {revision}, this version needs {needed}"] if behind else []


router = APIRouter(tags=["platform"])


async def probes_of(request: Request, context: Live) -> Probes:
    """The application's checks; made once, so that attempts are shared."""
    state = request.app.state
    if not hasattr(state, "probes"):
        state.probes = Probes(context)
    probes: Probes = state.probes
    return probes


Checked = Annotated[Probes, Depends(probes_of)]


@router.get(contract.HEALTH_PATH, responses={UNAVAILABLE: {"model": Health}})
async def health(response: Response, context: Live, probes: Checked) -> Health:
    """Database and cache in words. 503 while unhealthy; 404 where ENABLE_HEALTH_CHECK is false."""
    if not context.settings.enable_health_check:
        raise HTTPException(404, "Not Found")
    found = await probes.health()
    response.status_code = UNAVAILABLE if found.status == "unhealthy" else 200
    return found


@router.get(contract.READINESS_PATH, responses={UNAVAILABLE: {"model": Readiness}})
async def readiness(response: Response, probes: Checked) -> Readiness:
    """Whether this replica may get traffic."""
    found = await probes.readiness()
    response.status_code = UNAVAILABLE if found.reasons else 200
    return found


@router.get(contract.LIVENESS_PATH)
async def liveness() -> Liveness:
    """Whether the process answers at all."""
    return Liveness()


@router.get(contract.METRICS_PATH, response_class=Response)
async def metrics(request: Request, context: Live) -> Response:
    """Prometheus text format, or OpenMetrics with exemplars where Accept names it. 404 where ENABLE_METRICS
    is false."""
    if not context.settings.enable_metrics:
        raise HTTPException(404, "Not Found")
    text, kind = context.metrics.render(request.headers.get("accept", ""))
    return Response(text, media_type=kind)
