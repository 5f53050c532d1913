"""A new database and what is put into it: pg_restore in parallel with its progress, the product's grants."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from infra.backups import databases, report
from infra.backups.databases import Server
from infra.backups.fetch import WORDS_OF_FULL
from infra.backups.findings import Finding, damage
from infra.backups.manifest import REMEDY, Manifest
from infra.backups.pipeline import ENDING_WITH_US
from infra.backups.selection import Selection, qualified
from infra.errors import UserError

DATA = re.compile(r"pg_restore: (?:finished item \d+|processing data for table) (?:TABLE DATA )?(.+)")
ERROR = re.compile(r"pg_restore: (?:error|fatal): (.+)")
# The server went away, which says nothing of the dump: texts of libpq and the server, English by LC_ALL.
AWAY = (
    "server closed the connection",
    "terminating connection",
    "could not connect",
    "connection to server",
    "the database system is",
    "no connection to the server",
)
FULL = (WORDS_OF_FULL, "could not extend file")  # the second also says how far it came, and no cause
GRANTS = (  # as templates/postgres/roles.sql.j2
    "ALTER SCHEMA public OWNER TO {owner}",
    "REVOKE ALL ON SCHEMA public FROM PUBLIC",
    "GRANT USAGE ON SCHEMA public TO {service}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {service}",
    "GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {service}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    " GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {service}",
    "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA public"
    " GRANT USAGE, SELECT ON SEQUENCES TO {service}",
)
# As migrations leave it: the revision is the owner's business alone.
KEEP_REVISION = "REVOKE INSERT, UPDATE, DELETE ON public.alembic_version FROM {service}"


def create(connection: psycopg.Connection[Any], server: Server, name: str, service: str) -> None:
    """An empty database with the live one's encoding and collation, which orders texts and indexes."""
    query = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = %s"
    with databases.told(name):
        like = connection.execute(query, [server.database]).fetchone()
        words = ("ENCODING", "LC_COLLATE", "LC_CTYPE") if like else ()
        options: list[sql.Composable] = [
            sql.SQL("{} {}").format(sql.SQL(word), value)
            for word, value in zip(words, like or (), strict=True)
        ]
        wanted = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ").format(sql.Identifier(name))
        connection.execute(wanted + sql.SQL(" ").join(options))
        for text in (
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC",
            "GRANT CONNECT ON DATABASE {name} TO {service}",
        ):
            connection.execute(
                sql.SQL(text).format(name=sql.Identifier(name), service=sql.Identifier(service))
            )


def grant(connection: psycopg.Connection[Any], owner: str, service: str) -> None:
    """The service's rights in the database, whatever the roles were called where the dump was made."""
    roles = {"owner": sql.Identifier(owner), "service": sql.Identifier(service)}
    for text in GRANTS:
        connection.execute(sql.SQL(text).format(**roles))
    row = connection.execute("SELECT to_regclass('public.alembic_version') IS NOT NULL").fetchone()
    if row and row[0]:
        connection.execute(sql.SQL(KEEP_REVISION).format(**roles))


def fill(
    server: Server, name: str, dump: Path, manifest: Manifest, jobs: int, chosen: Selection | None = None
) -> None:
    """pg_restore into the empty database; the first error ends it. Raises BackupError where the dump cannot
    be read, UserError where the server has no room or goes away."""
    command = [*ENDING_WITH_US, "pg_restore", f"--jobs={jobs}", "--exit-on-error"]
    command += ["--no-owner", "--no-privileges", "--verbose", f"--dbname={name}"]
    with ExitStack() as stack:
        stack.enter_context(report.step("restore", database=name, jobs=jobs))
        if chosen:
            contents = stack.enter_context(tempfile.NamedTemporaryFile("w", dir=dump.parent, suffix=".part"))
            contents.write(chosen.contents)
            contents.flush()
            command.append(f"--use-list={contents.name}")
        process = subprocess.Popen(
            [*command, str(dump)],
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env={**os.environ, **server.environment(name), "LC_ALL": "C"},
        )
        stack.enter_context(process)
        assert process.stderr is not None  # noqa: S101  (a pipe was asked for)
        last = _follow(process.stderr, manifest, dump.stat().st_size)
        if process.wait():
            raise _failure(name, process.returncode, last)


def analyze(server: Server, name: str, jobs: int) -> None:
    """The planner's statistics, so many tables at a time. Raises UserError where the server goes away."""
    command = [*ENDING_WITH_US, "vacuumdb", "--analyze-only", "--quiet"]
    command += ["--no-password", f"--jobs={jobs}", f"--dbname={name}"]
    variables = {**os.environ, **server.environment(name), "LC_ALL": "C"}
    with report.step("analyze", database=name, jobs=jobs):
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, env=variables, check=False)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if "error" in line]
        text = (errors or [f"ended with {done.returncode}"])[0]
        raise UserError.of(f"database {name}", f"vacuumdb was interrupted: {text}", databases.AGAIN)


def _follow(lines: Iterable[str], manifest: Manifest, size: int) -> list[str]:
    """Counts the tables that are there, as their rows' part of the dump's bytes; the errors, or the last line
    where there are none."""
    rows = {qualified(table.name).split(".")[-1]: table.rows for table in manifest.tables}
    counter, total = report.Counter("restore", size), sum(rows.values()) or 1
    last, errors = "", []
    for line in lines:
        last = line.strip() or last
        errors += ERROR.findall(line)
        if found := DATA.match(line):
            table = found[1].strip().split(".")[-1].strip('"')
            counter.add(size * rows.pop(table, 0) // total)
    return errors or [last]


def _failure(name: str, code: int, last: list[str]) -> UserError:
    where = f"database {name}"
    text = last[0] or f"ended with {code}"
    if any(words in line for words in FULL for line in last):
        what = f"{databases.FULL}; what was restored so far has been removed"
        return UserError.of(where, what, databases.ENLARGE)
    if code < 0 or any(words in line for words in AWAY for line in last):
        return UserError.of(where, f"pg_restore was interrupted: {text}", databases.AGAIN)
    return damage(Finding.DUMP_UNREADABLE, where, f"pg_restore cannot restore the dump: {text}", REMEDY)


def remove_others(server: Server, name: str, tables: Collection[str]) -> None:
    """Drops the tables that were made only for others to refer to."""
    wanted = {qualified(table) for table in tables}
    query = (
        "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition"
        " AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
    )
    with server.connect(name) as connection, connection.transaction():
        for schema, table in connection.execute(query).fetchall():
            if f"{schema}.{table}" not in wanted:
                one = sql.Identifier(schema, table)
                kind = "SELECT relkind FROM pg_class WHERE oid = to_regclass(%s)"
                row = connection.execute(kind, [one.as_string(connection)]).fetchone()
                if row:  # a CASCADE may have taken it along
                    word = {"v": "VIEW", "m": "MATERIALIZED VIEW", "f": "FOREIGN TABLE"}.get(row[0], "TABLE")
                    connection.execute(sql.SQL("DROP {} {} CASCADE").format(sql.SQL(word), one))
