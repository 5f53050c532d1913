"""Personal data in a restored database by something else: one value always by the same one.

So unique constraints hold and what belonged together still does. What stands in a value's place follows from
it and a key of this stack by SHA-256: without the key nobody can try phone numbers one after the other.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator
from typing import Any

import psycopg

from infra.backups import report
from infra.backups.modules import MODULES, Mask, Masked

KEY = "slipway.masking_key"  # a setting of the transaction: bound values are in no log of the server
# {c}: the column. {h}: 64 hex digits that follow from its value.
HASH = "encode(sha256(convert_to(current_setting('slipway.masking_key') || {c}::text, 'UTF8')), 'hex')"
ACCOUNT = (
    "CASE WHEN {c} = 'dev' THEN {c} WHEN {c} LIKE 'local:%' THEN 'local:' || left({h}, 32)"
    " ELSE 'user_' || left({h}, 32) END"
)
DIGITS = (
    "(SELECT string_agg(CASE WHEN letter ~ '[0-9]' THEN"
    " (get_byte(decode({h}, 'hex'), ((place - 1) % 32)::int) % 10)::text ELSE letter END, '' ORDER BY place)"
    " FROM regexp_split_to_table({c}, '') WITH ORDINALITY AS parts(letter, place))"
)
EXPRESSIONS = {
    Mask.EMAIL: "CASE WHEN {c} = '' THEN {c} ELSE left({h}, 24) || '@masked.invalid' END",
    Mask.ACCOUNT: ACCOUNT,
    Mask.PASSWORD: "'!'",
    Mask.NAME: "'Name ' || left({h}, 12)",
    Mask.PHONE: DIGITS,
    Mask.PLATE: "left({h}, 16)",
    Mask.TEXT: "CASE WHEN {c} = '' THEN {c} ELSE 'Text ' || left({h}, 12) END",
    Mask.ADDRESS: "'Address ' || left({h}, 12)",
    Mask.JSON: "'{{}}'::jsonb",
    Mask.PLACE: "round({c}::numeric)::double precision",
}


def declared() -> Iterator[tuple[str, str, Masked]]:
    """Table, column and how it is masked, of every module: one that is off may have rows too."""
    for module in MODULES.values():
        for table, columns in module.personal.items():
            for column, masked in columns.items():
                yield table, column, masked


def mask(connection: psycopg.Connection[Any], secret: bytes) -> None:
    """Every declared column that the database has, in the transaction that the caller has begun."""
    key = hmac.new(secret, b"slipway masking", hashlib.sha256).hexdigest()
    connection.execute("SELECT set_config(%s, %s, true)", [KEY, key])
    tables: dict[str, dict[str, Masked]] = {}
    for table, column, masked in declared():
        if _there(connection, table, column):
            tables.setdefault(table, {})[column] = masked
    for table, columns in tables.items():
        for condition in sorted({masked.only for masked in columns.values()}):
            alike = {name: masked.how for name, masked in columns.items() if masked.only == condition}
            changed = connection.execute(_update(table, alike, condition).encode()).rowcount
            report.say("masked", table=table, columns=sorted(alike), rows=changed)


def expression(column: str, how: Mask) -> str:
    """What stands in the column's place, as SQL; NULL stays NULL."""
    if how is Mask.NOTHING:
        return "NULL"
    hashed = HASH.format(c=column)
    return f"CASE WHEN {column} IS NOT NULL THEN {EXPRESSIONS[how].format(c=column, h=hashed)} END"


def _update(table: str, columns: dict[str, Mask], condition: str) -> str:
    # Names, expressions and conditions are modules.py's own text.
    parts = ", ".join(f"{name} = {expression(name, how)}" for name, how in columns.items())
    where = f" WHERE {condition}" if condition else ""
    return f"UPDATE public.{table} SET {parts}{where}"  # noqa: S608


def _there(connection: psycopg.Connection[Any], table: str, column: str) -> bool:
    query = (
        "SELECT 1 FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name = %s AND column_name = %s"
    )
    return connection.execute(query, [table, column]).fetchone() is not None
