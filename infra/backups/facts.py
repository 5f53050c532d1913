"""What a restore is measured by: every table's rows and its primary keys, read in the dump's own snapshot.

psql writes them at twice the rate of a driver in Python, and in a process of its own beside the dump.
"""
# ruff: noqa: S608  (identifiers are the server's own, quoted by it)

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from infra.backups import database
from infra.backups.manifest import Table
from infra.backups.pipeline import Running, Stage
from infra.errors import UserError

BLOCK = 1 << 18
# COPY doubles a backslash in a value, so no row is ever this line.
MARK = b"\\.\n"
# Keys are compared as text: their form must not depend on the server, the role or the pod.
FORM = (
    "SET TimeZone = 'UTC'",
    "SET DateStyle = 'ISO, YMD'",
    "SET IntervalStyle = 'postgres'",
    "SET bytea_output = 'hex'",
    "SET extra_float_digits = 3",
    "SET client_encoding = 'UTF8'",
)
# Ordinary tables and partitions, but for extensions' own; keys whose order depends on a collation are read
# in that of their bytes, since libraries differ about the others.
TABLES = """
SELECT CASE n.nspname WHEN 'public' THEN c.relname ELSE n.nspname || '.' || c.relname END,
       format('%I.%I', n.nspname, c.relname),
       coalesce((SELECT array_agg(format('%I', a.attname) || CASE WHEN a.attcollation = 0 THEN ''
                         ELSE ' COLLATE pg_catalog."C"' END ORDER BY place)
                 FROM pg_index i, unnest(i.indkey::int2[]) WITH ORDINALITY AS k(number, place)
                 JOIN pg_attribute a ON a.attnum = k.number
                 WHERE i.indrelid = c.oid AND i.indisprimary AND a.attrelid = c.oid), '{}')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                  AND d.deptype = 'e')
ORDER BY 1
"""


@dataclass(frozen=True)
class Source:
    """A table as the server names it, and the expressions of its primary key."""

    name: str
    quoted: str
    keys: tuple[str, ...]

    @property
    def statement(self) -> str:
        """What writes its keys in their order, or its number of rows where it has no key."""
        if not self.keys:
            return f"COPY (SELECT count(*) FROM {self.quoted}) TO STDOUT"
        columns = ", ".join(self.keys)
        return f"COPY (SELECT {columns} FROM {self.quoted} ORDER BY {columns}) TO STDOUT"


def sources(connection: psycopg.Connection) -> list[Source]:
    """The tables, by name, as the connection's transaction sees them."""
    rows = connection.execute(TABLES).fetchall()
    return [Source(name, quoted, tuple(keys)) for name, quoted, keys in rows]


def revision(connection: psycopg.Connection) -> str:
    """The schema's revision by alembic; empty where alembic has never run."""
    there = connection.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL").fetchone()
    if not there or not there[0]:
        return ""
    rows = connection.execute("SELECT version_num FROM public.alembic_version ORDER BY 1").fetchall()
    return ",".join(row[0] for row in rows)


class Reader:
    """A psql that reads one table after the other, in the given snapshot or in one of its own."""

    def __init__(self, address: str, snapshot: str | None = None) -> None:
        command = ("psql", "-XqAt", "-v", "ON_ERROR_STOP=1")
        self._psql = Running(
            Stage(command, database.REMEDY, database.environment(address)), stdin=subprocess.PIPE
        )
        begin = ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"]
        if snapshot:
            begin.append(f"SET TRANSACTION SNAPSHOT '{snapshot}'")
        self._ask(";\n".join((*begin, *FORM, "")))

    def read(self, source: Source) -> Table:
        """Rows and keys of one table. Raises UserError where the database goes away."""
        self._ask(f"{source.statement};\n\\echo '\\\\.'\n")
        if not source.keys:
            return Table(source.name, int(b"".join(self._answer())), "")
        rows, digest = 0, hashlib.sha256()
        for block in self._answer():
            rows += block.count(b"\n")
            digest.update(block)
        return Table(source.name, rows, digest.hexdigest())

    def stop(self) -> None:
        """Lets ``read``, under way in another thread, fail at once."""
        self._psql.process.kill()

    def end(self) -> None:
        """Ends psql and gives back what it held."""
        self._psql.end()

    def _ask(self, text: str) -> None:
        try:
            self._psql.stdin.write(text.encode())
        except BrokenPipeError:
            raise self._gone() from None

    def _answer(self) -> Iterator[bytes]:
        """Blocks up to the mark, which is left out; it is recognised as a line of its own."""
        held = b"\n"
        first = True
        while not held.endswith(b"\n" + MARK):
            block = os.read(self._psql.stdout.fileno(), BLOCK)
            if not block:
                raise self._gone()
            held += block
            ready = held[first : -len(MARK) - 1]
            if ready:
                yield ready
                held, first = held[-len(MARK) - 1 :], False
        if rest := held[first : -len(MARK)]:
            yield rest

    def _gone(self) -> UserError:
        what = "psql ended too early"
        return self._psql.failure("rows and keys") or UserError.of("rows and keys", what, database.REMEDY)


@contextmanager
def reader(address: str, snapshot: str | None = None) -> Iterator[Reader]:
    """A Reader that is ended in every case."""
    made = Reader(address, snapshot)
    try:
        yield made
    finally:
        made.end()


def tables(address: str, wanted: Sequence[Source], snapshot: str | None = None) -> tuple[Table, ...]:
    """Rows and keys of these tables."""
    with reader(address, snapshot) as psql:
        return tuple(psql.read(source) for source in wanted)
