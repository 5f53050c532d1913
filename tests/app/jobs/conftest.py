"""A database of its own for each test, so that no worker sees another test's jobs."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import text

from app.core import logs
from app.core.auth.users import Identity, ensure_user
from app.core.context import Context
from app.core.jobs.schemas import BatchOut
from app.core.jobs.service import Batches
from app.main import make_context
from app.modules import REGISTRY
from tests.app.conftest import TokenTable, make_settings, run_migrations
from tests.app.jobs.kinds import TABLES, equip
from tests.app.servers import Postgres, RedisServer

Ended = Callable[[uuid.UUID], Awaitable[BatchOut]]
Said = Callable[[str], list[dict[str, Any]]]
Until = Callable[[Callable[[], Awaitable[object]], str], Awaitable[None]]


async def scalar(context: Context, statement: str) -> int:
    """The number that the statement gives."""
    async with context.database.reading() as session:
        return int(await session.scalar(text(statement)) or 0)


@pytest.fixture
def jobs_database(postgres: Postgres, fresh_database: str) -> str:
    """A migrated database with the tests' tables."""
    run_migrations(postgres.address("owner", fresh_database))
    postgres.sql(f"SET ROLE {fresh_database}_owner", *TABLES, database=fresh_database)
    return fresh_database


@pytest.fixture
async def context(postgres: Postgres, redis: RedisServer, jobs_database: str) -> AsyncIterator[Context]:
    """An application on it with the tests' kinds; its worker runs where a test starts it."""
    settings = make_settings(postgres.address("service", jobs_database), redis.address, job_stalled_seconds=5)
    logs.configure("INFO", settings.secrets())
    made = make_context(settings, {name: module.settings() for name, module in REGISTRY.items()})
    made.authenticator = TokenTable()
    equip(made)
    yield made
    await made.jobs.stop()
    await made.close()


@pytest.fixture
async def owner(context: Context) -> uuid.UUID:
    """Somebody who submits jobs."""
    async with context.database.transaction() as session:
        user = await ensure_user(session, Identity(uuid.uuid4().hex, "owner@example.org"))
    assert user is not None
    return user.id


@pytest.fixture
def batches(context: Context) -> Batches:
    """Sees everybody's jobs."""
    return Batches(context)


@pytest.fixture
def until() -> Until:
    """Polls until the fact is true, for half a minute at most."""

    async def wait(fact: Callable[[], Awaitable[object]], what: str) -> None:
        end = time.monotonic() + 30
        while not await fact():
            assert time.monotonic() < end, what
            await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def ended(batches: Batches, until: Until) -> Ended:
    """Waits for the job's end."""

    async def wait(key: uuid.UUID) -> BatchOut:
        async def is_over() -> bool:
            return (await batches.get(key)).finished_at is not None

        await until(is_over, "the job ends")
        return await batches.get(key)

    return wait


@pytest.fixture
def said(context: Context) -> Iterator[Said]:
    """The lines of an event so far, as they are written; ``said("")`` gives all."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.getLogger().handlers[0].formatter)
    logging.getLogger().addHandler(handler)

    def find(event: str) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in text.getvalue().splitlines()]
        return [line for line in lines if not event or line["event"] == event]

    yield find
    logging.getLogger().removeHandler(handler)
