"""What a domain module tells the service about itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter

from app.settings import EnvironmentSettings


@dataclass(frozen=True)
class Module:
    """``body_limits`` gives bytes by path where a route takes more than the usual limit."""

    name: str
    routers: tuple[APIRouter, ...]
    settings: type[EnvironmentSettings]
    body_limits: Mapping[str, int] = field(default_factory=dict)
