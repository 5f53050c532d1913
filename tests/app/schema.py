"""What a database's schema really is, rows for every table of it, and which statements hold up others."""
# ruff: noqa: S608  (the texts are the schema's own names)

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Column, Connection, MetaData, Table, inspect, select, types
from sqlalchemy.dialects.postgresql import JSONB

from app.migrations.phases import Phase
from tests.app.servers import Postgres

QUEUE = "procrastinate_"  # the job queue's own tables
OURS = f"c.relkind IN ('r', 'p') AND c.relname NOT LIKE '{QUEUE}%' AND c.relname <> 'alembic_version'"
RELATION = "JOIN pg_class c ON c.oid = {column} JOIN pg_namespace n ON n.oid = c.relnamespace"
FACTS = {  # what pg_dump would write of a table, one line each
    "column": f"""
        SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
               a.attgenerated, coalesce(pg_get_expr(d.adbin, d.adrelid), '')
        FROM pg_attribute a {RELATION.format(column="a.attrelid")}
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attnum > 0 AND NOT a.attisdropped AND n.nspname = 'public' AND {OURS}""",
    "constraint": f"""
        SELECT c.relname, k.conname, pg_get_constraintdef(k.oid), k.convalidated
        FROM pg_constraint k {RELATION.format(column="k.conrelid")}
        WHERE n.nspname = 'public' AND {OURS}""",
    "index": f"""
        SELECT pg_get_indexdef(i.indexrelid), i.indisvalid
        FROM pg_index i {RELATION.format(column="i.indrelid")}
        WHERE n.nspname = 'public' AND {OURS}""",
}
ALLOWED_VALUES = re.compile(r"\(*(\w+)\)*(?:::\w+)? = ANY \(+ARRAY\['([^']*)'")
VALUES: dict[type[types.TypeEngine[Any]], Any] = {
    types.Uuid: uuid.uuid4,
    types.Boolean: lambda: True,
    types.Integer: lambda: 1,
    types.Numeric: lambda: Decimal(1),
    types.Float: lambda: 1.0,
    types.DateTime: lambda: datetime.now(UTC),
    types.Date: lambda: date(2026, 1, 1),
    JSONB: dict,
}
UNSAFE = (  # of a table that others are using, whichever version they are: pattern, why
    (r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)", "an index that is not made CONCURRENTLY stops writers"),
    (r"DROP INDEX (?!CONCURRENTLY)", "an index that is not removed CONCURRENTLY stops everybody"),
    (r"ADD COLUMN .* DEFAULT \w+\((?<!now\()", "a default that is no constant rewrites the table"),
    (r"ADD COLUMN .* (STORED|IDENTITY)", "a computed column rewrites the table"),
    (r"ALTER COLUMN \S+ (SET DATA )?TYPE", "another type rewrites the table"),
    (r"SET NOT NULL", "NOT NULL reads the whole table while everybody waits"),
    (r"ADD CONSTRAINT \S+ (CHECK|FOREIGN KEY)(?!.*NOT VALID)", "rows are checked while writers wait"),
    (r"ADD CONSTRAINT \S+ (UNIQUE|PRIMARY KEY) (?!USING)", "its index is not made CONCURRENTLY"),
    (r"TRUNCATE|LOCK TABLE", "others are using it"),
)
CONTRACTS = (  # what only a contract revision may do, when nothing of the version before runs any more
    (r"ADD COLUMN (?!.*\bDEFAULT\b).* NOT NULL", "NOT NULL without a default stops the version before"),
    (r"DROP COLUMN", "the version before still reads it"),
    (r"RENAME", "the version before still knows the old name"),
    (r"DROP TABLE", "others are using it"),
)


def facts(postgres: Postgres, database: str) -> set[str]:
    """Every column, constraint and index of our tables, one line each."""
    return {
        f"{kind}: {line}"
        for kind, query in FACTS.items()
        for line in postgres.sql(query, database=database).splitlines()
    }


def tables(postgres: Postgres, database: str) -> set[str]:
    """The names of our tables."""
    query = f"SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS}"
    return set(postgres.sql(f"{query} AND n.nspname = 'public'", database=database).split())


def unsafe(statement: str, used: Iterable[str], phase: Phase = Phase.EXPAND) -> str | None:
    """Why the statement of a migration holds up others or stops the version before; None where it does not.
    Tables that are not ``used`` yet may be treated anyhow."""
    text = " ".join(statement.replace('"', "").split())
    named = set(re.findall(r"\w+", text))
    if not named & set(used) and not text.startswith("DROP INDEX"):
        return None
    if text.startswith("CREATE TABLE"):
        return None
    rules = UNSAFE + (CONTRACTS if phase is Phase.EXPAND else ())
    return next((why for pattern, why in rules if re.search(pattern, text, re.IGNORECASE)), None)


def fill(connection: Connection, *, whole: bool = False, again: bool = False) -> dict[str, dict[str, Any]]:
    """Puts a row into each of our tables that has none, or into each ``again``; ``whole`` rows have a value
    in every column, others only where one is needed. The rows by table."""
    metadata = MetaData()
    metadata.reflect(connection, only=lambda name, _: not name.startswith((QUEUE, "alembic")))
    rows: dict[str, dict[str, Any]] = {}
    for table in metadata.sorted_tables:
        if again or connection.execute(select(table).limit(1)).first() is None:
            rows[table.name] = row = make_row(connection, table, whole=whole)
            connection.execute(table.insert().values(row))
    connection.commit()
    return rows


def make_row(connection: Connection, table: Table, *, whole: bool) -> dict[str, Any]:
    """One row that the table takes, if its checks are lists of words or of no effect on 1."""
    checks = " ".join(check["sqltext"] for check in inspect(connection).get_check_constraints(table.name))
    words = dict(ALLOWED_VALUES.findall(checks))
    return {
        column.name: words.get(column.name) or _value(connection, column)
        for column in table.columns
        if column.computed is None
        and column.identity is None
        and (whole or not (column.nullable or column.server_default))
    }


def _value(connection: Connection, column: Column[Any]) -> Any:
    for key in column.foreign_keys:
        return connection.scalar(select(key.column).limit(1))
    for kind, make in VALUES.items():
        if isinstance(column.type, kind):
            return make()
    return uuid.uuid4().hex[: getattr(column.type, "length", None) or None]
