"""What a domain module tells the service about itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter
from prometheus_client import CollectorRegistry

from app.core.checks import Check
from app.core.jobs.kinds import BatchKind, Schedule
from app.core.values import Limits
from app.settings import EnvironmentSettings


@dataclass(frozen=True)
class Module:
    """``body_limits`` gives bytes by path where a route takes more than the usual limit, ``rate_limits`` the
    limits of every path that begins so. ``metrics`` registers what the module itself counts. ``checks`` are
    what a release of it must answer."""

    name: str
    routers: tuple[APIRouter, ...]
    settings: type[EnvironmentSettings]
    body_limits: Mapping[str, int] = field(default_factory=dict)
    rate_limits: Mapping[str, Limits] = field(default_factory=dict)
    batch_kinds: tuple[BatchKind, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    metrics: Callable[[CollectorRegistry], object] | None = None
    checks: tuple[Check, ...] = ()
