"""The server's databases as their owner sees them: their names, and what a restore noted on each.

What a restore has done so far stands in the comment of the database it makes, so that a run that was killed
goes on where it was; restore.py and swap.py read and write it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.backups import database as address
from infra.backups.config import Config
from infra.errors import UserError

MAINTENANCE = "postgres"  # the database that is always there, and that nobody restores
NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
LONGEST = 63  # bytes of a name (NAMEDATALEN - 1); PostgreSQL would cut a longer one without an error
MARK = "slipway restore "
LOCK = 0x534C_4950  # "SLIP": the advisory lock of restores and swaps, in the database ``postgres``
OTHER_RUN = 3  # exit code: another run holds the lock
FULL = "the volume of the databases is full"
ENLARGE = "make it larger, or remove what is not needed: slipway restore --forget; then run it again"
AGAIN = "see that the database runs: slipway status; then run it again, it goes on where it was"
NOT_OURS, END_THEM = "whom its owner may not disconnect", "end these sessions, then run it again"
# Sessions that the owner may end; the server itself ends its workers for a rename and a drop.
END = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = ANY(%s) AND backend_type = 'client backend' AND pid <> pg_backend_pid()
  AND pg_has_role(usesysid, 'USAGE') AND (state IN ('idle', 'disabled') OR %s)
"""
USERS = """
SELECT DISTINCT usename || ' (' || coalesce(nullif(application_name, ''), 'unnamed') || ')'
FROM pg_stat_activity WHERE datname = ANY(%s) AND usename IS NOT NULL
"""


class Step(StrEnum):
    """What was done last to a database that a restore has made?"""

    CREATED = "created"  # it may hold anything
    RESTORED = "restored"  # every row, index and grant
    VERIFIED = "verified"  # compared with the manifest
    MASKED = "masked"
    READY = "ready"  # may be used
    SWAPPED = "swapped"  # it is the live one; the cache is still to be emptied
    LIVE = "live"
    UNDONE = "undone"  # was the live one until `undo`


@dataclass(frozen=True)
class State:
    """What the comment says: the backup, the last step, and how the database was asked for."""

    backup: str
    step: Step
    at: str = ""
    masked: bool = False
    tables: tuple[str, ...] = field(default=())

    def text(self) -> str:
        """The comment."""
        return MARK + json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def read(cls, comment: str | None) -> State | None:
        """The state of a comment, None where a restore did not write it."""
        if not comment or not comment.startswith(MARK):
            return None
        try:
            found = json.loads(comment[len(MARK) :])
            found |= {"step": Step(found["step"]), "tables": tuple(found["tables"])}
            return cls(**found)
        except (ValueError, KeyError, TypeError):
            return None

    def same(self, other: State) -> bool:
        """Whether both were asked for alike."""
        return (self.backup, self.masked, self.tables) == (other.backup, other.masked, other.tables)


@dataclass(frozen=True)
class Server:
    """The server of an address, and the database in it."""

    url: str = field(repr=False)

    @classmethod
    def of(cls, config: Config) -> Server:
        """Of DATABASE_URL. Raises UserError."""
        address.environment(address.url(config))
        server = cls(address.url(config))
        if not {"dbname", "user"} <= server._parameters.keys():
            raise UserError.of(
                "DATABASE_URL", "names no database or no user", "postgresql://user@host/database"
            )
        return server

    @cached_property
    def _parameters(self) -> dict[str, str]:
        return {name: str(value) for name, value in conninfo_to_dict(self.url).items() if value is not None}

    @property
    def database(self) -> str:
        """The live database."""
        return self._parameters["dbname"]

    @property
    def owner(self) -> str:
        """The role that owns it."""
        return self._parameters["user"]

    @property
    def restored(self) -> str:
        """Where a restore puts what shall replace the live one."""
        return self._beside("_restored")

    @property
    def previous(self) -> str:
        """What a swap took out."""
        return self._beside("_previous")

    def _beside(self, ending: str) -> str:
        return self.database[: LONGEST - len(ending)] + ending

    def address(self, database: str) -> str:
        """The address of another database."""
        return make_conninfo(self.url, dbname=database)

    def environment(self, database: str) -> dict[str, str]:
        """What pg_restore and its like need to reach the database."""
        return address.environment(self.address(database))

    @contextmanager
    def connect(self, database: str = MAINTENANCE) -> Iterator[psycopg.Connection[Any]]:
        """A connection in autocommit, closed at the end. Raises UserError for whatever the server refuses."""
        with told(database), closing(address.connect(self.address(database))) as connection:
            yield connection


@contextmanager
def told(where: str) -> Iterator[None]:
    """The driver's errors in our words."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise UserError.of(f"database {where}", FULL, ENLARGE) from error
    except psycopg.OperationalError as error:
        raise UserError.of(f"database {where}", f"cannot be asked: {first_line(error)}", AGAIN) from error
    except psycopg.Error as error:
        raise UserError.of(f"database {where}", f"refuses: {first_line(error)}", AGAIN) from error


def first_line(error: object) -> str:
    """An error's text without what follows it."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def exists(connection: psycopg.Connection[Any], name: str) -> bool:
    """Whether there is such a database."""
    return connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone() is not None


def state(connection: psycopg.Connection[Any], name: str) -> State | None:
    """What a restore noted on the database."""
    query = "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s"
    row = connection.execute(query, [name]).fetchone()
    return State.read(row[0]) if row else None


def note(connection: psycopg.Connection[Any], name: str, wanted: State | None) -> None:
    """Writes the state on the database; None removes it. Part of a transaction where there is one."""
    text = sql.Literal(wanted.text()) if wanted else sql.SQL("NULL")
    connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), text))


def drop(connection: psycopg.Connection[Any], name: str) -> None:
    """Removes the database and whoever is connected to it; it is no error where it is gone. Raises UserError
    where somebody is whom the owner may not disconnect."""
    # WITH (FORCE) refuses an owner while a worker of autovacuum is in it; a plain DROP ends the worker.
    statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    for last in (False, True):  # again for a client that came between the end of the others and the lock
        end_sessions(connection, [name], busy=True)
        try:
            connection.execute(statement)
        except psycopg.errors.ObjectInUse as error:  # the server has waited for 5 s
            if last and (there := users(connection, [name])):
                what = f"is in use by {there}, {NOT_OURS}"
                raise UserError.of(f"database {name}", what, END_THEM) from error
            if last:
                raise
        else:
            return


def end_sessions(connection: psycopg.Connection[Any], names: Sequence[str], *, busy: bool) -> None:
    """Ends those in these databases that the owner may end: the idle ones, or ``busy`` ones too."""
    connection.execute(END, [list(names), busy])


def users(connection: psycopg.Connection[Any], names: Sequence[str]) -> str:
    """Who is connected to these databases, with their programs; empty where nobody is."""
    return ", ".join(row[0] for row in connection.execute(USERS, [list(names)]).fetchall())


@contextmanager
def only_one(server: Server) -> Iterator[psycopg.Connection[Any]]:
    """A connection to ``postgres`` that holds the lock of restores. Raises UserError with OTHER_RUN."""
    with server.connect() as connection:
        row = connection.execute("SELECT pg_try_advisory_lock(%s)", [LOCK]).fetchone()
        if not row or not row[0]:
            what = "another restore, swap or undo is at work on this server"
            raise UserError.of("restore", what, "wait for its end, then run it again", exit_code=OTHER_RUN)
        yield connection
