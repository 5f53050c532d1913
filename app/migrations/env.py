"""What Alembic runs: the migrations, on the connection it is given or, by ``python -m alembic``, its own."""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from typing import Any

from alembic import context
from alembic.util import CommandError
from sqlalchemy import Connection

from app.core import logs
from app.core.auth import users
from app.core.database import Base
from app.core.jobs import models as jobs
from app.core.monitoring import models as monitoring
from app.core.values import address_secrets
from app.dispatch import models as dispatch
from app.ledger import models as ledger
from app.migrations import running
from app.settings import LOG_LEVELS

MODELS = (users, jobs, monitoring, ledger, dispatch)  # imported so that the metadata is whole
QUEUE_TABLES = "procrastinate_"


def is_ours(name: str | None, kind: str, parents: MutableMapping[Any, str | None]) -> bool:
    """Whether a thing of the schema is compared with the models: the job queue's own tables are not."""
    table = name if kind == "table" else parents.get("table_name")
    return not (table or "").startswith(QUEUE_TABLES)


def migrate(connection: Connection) -> None:
    """Runs what the command asks for."""
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
    running.finish(connection)


def alone(connection: Connection) -> None:
    """The same for ``python -m alembic``, under the lock that other runs wait for."""
    running.begin(connection)
    migrate(connection)


def main() -> None:
    """Reads DATABASE_URL and LOG_LEVEL."""
    address = os.environ.get("DATABASE_URL", "")
    level = os.environ.get("LOG_LEVEL", "INFO").upper()
    logs.configure(level if level in LOG_LEVELS else "INFO", address_secrets(address))
    if not address:
        raise CommandError("DATABASE_URL is not set; set the address of the schema owner's role")
    try:
        running.run(address, alone)
    except running.MigrationError as error:
        running.log.critical("migration failed", **error.facts)
        raise CommandError("the migration failed; the reason stands in the line before") from None


given = context.config.attributes.get("connection")
if given is None:
    main()
else:
    migrate(given)
