"""What a module tells the job queue: kinds of batch jobs, and work that comes back at fixed times."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Context

Item = dict[str, Any]  # what JSON can hold; the keys are the kind's own


@dataclass(frozen=True)
class BatchKind:
    """``work`` does one item for the owner, in the transaction that also stores the item's result: both or
    neither. An exception fails the item, not the job."""

    name: str
    work: Callable[[Context, AsyncSession, uuid.UUID, Item], Awaitable[Item]]


@dataclass(frozen=True)
class Schedule:
    """``run`` at the minutes of the cron expression (UTC), once among all replicas. It may run twice after a
    crash, and must then change nothing the second time."""

    name: str
    cron: Callable[[Context], str]
    run: Callable[[Context], Awaitable[None]]
