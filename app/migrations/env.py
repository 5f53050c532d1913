"""Runs the migrations as the schema's owner: one run at a time, and never a long wait for a table's lock."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import MutableMapping
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from app.core import logs
from app.core.auth import users
from app.core.database import Base, driver_url
from app.core.jobs import models as jobs
from app.core.monitoring import models as monitoring
from app.core.values import address_secrets
from app.dispatch import models as dispatch
from app.ledger import models as ledger
from app.settings import LOG_LEVELS

MODELS = (users, jobs, monitoring, ledger, dispatch)  # imported so that the metadata is whole
RUN_LOCK = 0x51_19_3A_17  # any number, the same in every run: pg_advisory_lock's key
RUN_LOCK_SECONDS = 120.0  # another run may be under way; it is waited for
RUN_LOCK_POLL_SECONDS = 0.2
QUEUE_TABLES = "procrastinate_"
TABLE_LOCK_TIMEOUT = "5s"  # a migration waiting for a lock holds up every query behind it
# Rights on new tables come by default privileges; the revision itself is the owner's business alone.
KEEP_REVISION = """
DO $$ DECLARE other text; BEGIN
  FOR other IN SELECT DISTINCT grantee FROM information_schema.role_table_grants
    WHERE table_schema = current_schema() AND table_name = 'alembic_version' AND grantee <> current_user
  LOOP EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM %I', other); END LOOP;
END $$
"""
log = logs.logger("app.migrations")


def lock(connection: Connection) -> None:
    """Takes the lock of the session that lets one run work at a time. Raises CommandError after two minutes.
    It is asked for again and again: a run waiting inside a statement would hold a snapshot that
    CREATE INDEX CONCURRENTLY of the working run waits for, which PostgreSQL ends as a deadlock."""
    end = time.monotonic() + RUN_LOCK_SECONDS
    while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": RUN_LOCK}):
        connection.commit()
        if time.monotonic() > end:
            raise CommandError(f"another migration has been running for {RUN_LOCK_SECONDS:.0f} seconds")
        time.sleep(RUN_LOCK_POLL_SECONDS)
    connection.commit()


def is_ours(name: str | None, kind: str, parents: MutableMapping[Any, str | None]) -> bool:
    """Whether a thing of the schema is compared with the models: the job queue's own tables are not."""
    table = name if kind == "table" else parents.get("table_name")
    return not (table or "").startswith(QUEUE_TABLES)


def migrate(connection: Connection) -> None:
    """Runs what the command asks for, under a lock that other runs wait for."""
    lock(connection)
    connection.execute(text(f"SET lock_timeout = '{TABLE_LOCK_TIMEOUT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        compare_type=True,
        compare_server_default=True,
        include_name=is_ours,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.execute(text(KEEP_REVISION))
    connection.commit()
    log.info("migrations done", revision=context.get_context().get_current_revision())


async def run(address: str) -> None:
    """One connection for the whole run. Raises CommandError where the database does not take it."""
    engine = create_async_engine(driver_url(address), poolclass=NullPool, connect_args={"timeout": 10})
    try:
        async with engine.connect() as connection:
            await connection.run_sync(migrate)
    except (OSError, SQLAlchemyError) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        log.critical("migration failed", reason=str(reason))
        raise CommandError("the migration failed; the reason stands in the line before") from None
    finally:
        await engine.dispose()


def main() -> None:
    """Reads DATABASE_URL and LOG_LEVEL."""
    address = os.environ.get("DATABASE_URL", "")
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    logs.configure(level if level in LOG_LEVELS else "INFO", address_secrets(address))
    if not address:
        raise CommandError("DATABASE_URL is not set; set the address of the schema owner's role")
    asyncio.run(run(address))


main()
