"""A run of migrations: one at a time, as the schema's owner, and never a long wait for a table's lock."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any, TypeVar

from asyncpg.exceptions import CannotConnectNowError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from app.core import logs
from app.core.database import driver_url

RUN_LOCK = 0x51_19_3A_17  # any number, the same in every run: pg_advisory_lock's key
RUN_LOCK_SECONDS = 120.0  # another run may be under way; it is waited for
RUN_LOCK_POLL_SECONDS = 0.2
TABLE_LOCK_TIMEOUT = "5s"  # a migration waiting for a lock holds up every query behind it
CONNECT_SECONDS = 10
AWAY_SECONDS = 20.0  # a database that has just begun: its name is not known everywhere yet, or it recovers
AWAY_POLL_SECONDS = 0.5
AWAY = (OSError, CannotConnectNowError)
# Rights on new tables come by default privileges; the revision itself is the owner's business alone.
KEEP_REVISION = """
DO $$ DECLARE other text; BEGIN
  FOR other IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
    WHERE table_schema = current_schema() AND table_name = 'alembic_version' AND grantee <> current_user
  LOOP EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM %I', other); END LOOP;
END $$
"""
DRIVERS_CLASS = re.compile(r"^<class '[^']+'>: ")
Result = TypeVar("Result")
log = logs.logger("app.migrations")


class MigrationError(Exception):
    """The database is not where it was to be. ``facts`` are for the log, the message for people."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.facts = {"reason": message} | facts


def run(address: str, work: Callable[[Connection], Result]) -> Result:
    """What ``work`` returns of the one connection of the run. A database that is not there yet is waited for
    20 seconds. Raises MigrationError where it does not take the connection."""
    return asyncio.run(_run(address, work))


async def _run(address: str, work: Callable[[Connection], Result]) -> Result:
    engine = create_async_engine(
        driver_url(address), poolclass=NullPool, connect_args={"timeout": CONNECT_SECONDS}
    )
    try:
        async with aclosing(await _connected(engine)) as connection:
            return await connection.run_sync(work)
    except (OSError, SQLAlchemyError) as error:
        raise MigrationError(reason_of(error)) from None
    finally:
        await engine.dispose()


async def _connected(engine: AsyncEngine) -> AsyncConnection:
    end = time.monotonic() + AWAY_SECONDS
    while True:
        try:
            return await engine.connect()
        except (OSError, DBAPIError) as error:
            cause = error.orig.__cause__ if isinstance(error, DBAPIError) and error.orig else error
            if not isinstance(cause, AWAY) or time.monotonic() > end:
                raise
        await asyncio.sleep(AWAY_POLL_SECONDS)


def reason_of(error: BaseException) -> str:
    """What the database said, without the driver's wrapping; never empty."""
    said = str(error.orig if isinstance(error, DBAPIError) else error)
    return DRIVERS_CLASS.sub("", said).strip() or type(error).__name__


def begin(connection: Connection) -> None:
    """Takes the lock of the session that lets one run work at a time; waits for it two minutes, and for a
    table's five seconds. Raises MigrationError. It is asked for again and again: a run waiting inside a
    statement would hold a snapshot that CREATE INDEX CONCURRENTLY of the working run waits for, which
    PostgreSQL ends as a deadlock."""
    end = time.monotonic() + RUN_LOCK_SECONDS
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": RUN_LOCK}):
        connection.commit()
        if time.monotonic() > end:
            raise MigrationError(f"another migration has been running for {RUN_LOCK_SECONDS:.0f} seconds")
        time.sleep(RUN_LOCK_POLL_SECONDS)
    connection.execute(text(f"SET lock_timeout = '{TABLE_LOCK_TIMEOUT}'"))
    connection.commit()


def finish(connection: Connection) -> None:
    """Nobody but the owner may say which revision it is; and a line of the log says it."""
    connection.execute(text(KEEP_REVISION))
    connection.commit()
    log.info("migrations done", revision=revision_of(connection))


def revision_of(connection: Connection) -> str | None:
    """The database's revision, None where no migration has run. Leaves no transaction open."""
    there = connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
    found = connection.scalar(text("SELECT version_num FROM alembic_version")) if there else None
    connection.rollback()
    return found
