"""Batch kinds and schedules that leave a trace in tables of the tests, and the replica that knows them."""

from __future__ import annotations

import asyncio
import sys
import uuid
from typing import cast

from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import contract
from app.core import logs
from app.core.context import Context
from app.core.errors import ConflictError
from app.core.jobs.kinds import BatchKind, Item, Schedule
from app.core.jobs.runner import Jobs
from app.core.metrics import Metrics
from app.main import configure, make_context, make_server

TABLES = (
    "CREATE TABLE effects (batch text, number int, at timestamptz DEFAULT clock_timestamp())",
    "CREATE TABLE ticks (name text, at timestamptz DEFAULT clock_timestamp(), pid int)",
)
EFFECT = text("INSERT INTO effects (batch, number) VALUES (:batch, :number)")


async def note(context: Context, session: AsyncSession, owner: uuid.UUID, item: Item) -> Item:
    """Writes one row and works for ``seconds``; then does what ``then`` names."""
    await session.execute(EFFECT, {"batch": str(owner), "number": item["number"]})
    await asyncio.sleep(item.get("seconds", 0))
    if "then" in item:
        return await MISCHIEF[item["then"]](context, session, item)
    return {"doubled": item["number"] * 2}


async def conflict(_context: Context, _session: AsyncSession, _item: Item) -> Item:
    raise ConflictError("The number is taken")


async def bug(_context: Context, _session: AsyncSession, _item: Item) -> Item:
    raise RuntimeError("secret of the module")


async def duplicate(_context: Context, session: AsyncSession, _item: Item) -> Item:
    for _ in range(2):
        await session.execute(text("INSERT INTO users (clerk_user_id, email) VALUES ('one', '')"))
    return {}


async def nul(_context: Context, _session: AsyncSession, _item: Item) -> Item:
    return {"text": "\0"}


async def large(_context: Context, _session: AsyncSession, _item: Item) -> Item:
    return {"text": "x" * 20_000}


async def slow_statements(_context: Context, session: AsyncSession, _item: Item) -> Item:
    while True:
        await session.execute(text("SELECT pg_sleep(0.05)"))


async def lose_the_connection(context: Context, session: AsyncSession, item: Item) -> Item:
    """Only the first time."""
    if not await _begun_before(context, item["number"]):
        await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
    return {}


MISCHIEF = {
    action.__name__: action
    for action in (conflict, bug, duplicate, nul, large, slow_statements, lose_the_connection)
}


async def _begun_before(context: Context, number: int) -> bool:
    """Whether this item was begun before; notes it in a transaction of its own."""
    async with context.database.transaction() as session:
        name = f"begun {number}"
        found = await session.scalar(text("SELECT count(*) FROM ticks WHERE name = :n"), {"n": name})
        await session.execute(text("INSERT INTO ticks (name) VALUES (:n)"), {"n": name})
    return bool(found)


def ticking(name: str, cron: str, *, failures: int = 0, seconds: float = 0) -> Schedule:
    """A schedule that writes a row for each run; the first ``failures`` runs raise."""

    async def run(context: Context) -> None:
        async with context.database.transaction() as session:
            await session.execute(text("INSERT INTO ticks (name) VALUES (:name)"), {"name": name})
            count = await session.scalar(text("SELECT count(*) FROM ticks WHERE name = :n"), {"n": name})
        await asyncio.sleep(seconds)
        if (count or 0) <= failures:
            raise RuntimeError("not yet")

    return Schedule(name, lambda _: cron, run)


NOTE = BatchKind("test.note", note)
EVERY_SECOND = ticking("every-second", "* * * * * *")


def equip(
    context: Context, kinds: tuple[BatchKind, ...] = (NOTE,), schedules: tuple[Schedule, ...] = ()
) -> None:
    """Gives the application the tests' kinds and schedules instead of the modules'."""
    context.metrics = Metrics("test", "development", [kind.name for kind in kinds])
    context.jobs = Jobs(context, kinds, schedules)


async def slow(seconds: float) -> dict[str, float]:
    """A request that takes so long."""
    await asyncio.sleep(seconds)
    return {"seconds": seconds}


def main() -> None:
    """A whole replica, as app.main starts it, with a slow route. ``every-second`` gives it that schedule,
    ``grace=2`` other GRACEFUL_SECONDS."""
    for argument in sys.argv[1:]:
        if argument.startswith("grace="):
            setattr(contract, "GRACEFUL_SECONDS", int(argument.removeprefix("grace=")))  # noqa: B010  (Final)
    settings, modules = configure()
    logs.configure(settings.log_level, settings.secrets())
    context = make_context(settings, modules)
    equip(context, schedules=(EVERY_SECOND,) if "every-second" in sys.argv else ())
    server = make_server(context)
    cast(FastAPI, server.config.app).add_api_route("/slow/{seconds}", slow)
    server.run()


if __name__ == "__main__":
    main()
