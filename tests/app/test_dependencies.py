"""What every request goes through runs in the event loop; a plain function would cost a thread each time."""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from app.core import health
from app.core.auth import router as auth
from app.core.cache import router as cache
from app.core.jobs import router as batch
from app.core.monitoring import router as monitoring
from app.modules import REGISTRY

pytestmark = pytest.mark.unit
CORE = [part.router for part in (health, auth, cache, batch, monitoring)]
ROUTERS = CORE + [router for module in REGISTRY.values() for router in module.routers]


def below(dependant: Dependant) -> Iterator[Dependant]:
    yield dependant
    for part in dependant.dependencies:
        yield from below(part)


def test_every_route_and_dependency_is_a_coroutine() -> None:
    routes = [route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    calls = {part.call for route in routes for part in below(route.dependant) if part.call is not None}
    plain = {
        call
        for call in calls
        if not inspect.iscoroutinefunction(call)
        and not inspect.iscoroutinefunction(getattr(call, "__call__", None))  # noqa: B004
    }
    assert len(calls) > 40
    assert plain == set()
