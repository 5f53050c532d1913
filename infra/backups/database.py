"""How the database is reached: by psycopg, and by PostgreSQL's own programs through their variables."""

from __future__ import annotations

import psycopg
from psycopg import pq

from infra.backups.config import Config
from infra.errors import UserError

CONNECT_SECONDS = "10"
# A pod that is gone without a word is noticed by the server after 90 seconds, and its lock and snapshot go.
SESSION = "-c tcp_keepalives_idle=60 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
NO_LIMITS = "-c statement_timeout=0 -c idle_in_transaction_session_timeout=0"
WAIT_SECONDS = 60  # for a table's lock that a migration holds
REMEDY = "see that it runs: slipway status; then run it again"


def url(config: Config) -> str:
    """DATABASE_URL. Raises UserError where it is not set, or no address of PostgreSQL."""
    if config.database_url is None:
        raise UserError.of("DATABASE_URL", "is not set", "it is the database as its owner")
    environment(config.database_url)
    return config.database_url


def environment(address: str) -> dict[str, str]:
    """The address as the variables that pg_dump, pg_restore and psql read; the password is seen nowhere."""
    try:
        parts = pq.Conninfo.parse(address.encode())
    except psycopg.OperationalError:
        raise UserError.of("DATABASE_URL", "is no address of PostgreSQL", "postgresql://…") from None
    given = {part.envvar.decode(): part.val.decode() for part in parts if part.envvar and part.val}
    return {
        "PGCONNECT_TIMEOUT": CONNECT_SECONDS,
        **given,
        "PGOPTIONS": f"{SESSION} {NO_LIMITS}",
    }


def connect(address: str) -> psycopg.Connection:
    """A connection in autocommit. Raises UserError where there is none to be had."""
    try:
        return psycopg.connect(
            address,
            autocommit=True,
            connect_timeout=int(CONNECT_SECONDS),
            application_name="slipway-backup",
            options=f"{SESSION} {NO_LIMITS}",
        )
    except psycopg.OperationalError as error:
        raise told(error) from None


def told(error: psycopg.Error) -> UserError:
    """The driver's error in our words."""
    said = " ".join(str(error).split()) or type(error).__name__
    return UserError.of("database", f"it cannot be asked: {said}", REMEDY)
