"""Indexes of tables that others are using: made and removed CONCURRENTLY, again after a run that failed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

WAIT = "15min"  # for transactions older than the index; nobody waits behind this wait
INVALID = sa.text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")


@contextmanager
def concurrently() -> Iterator[None]:
    """Outside a transaction, as CONCURRENTLY needs it, and with more patience than for a table's lock. What
    stands before it in the migration is committed: it must be such that it can run again."""
    with op.get_context().autocommit_block():
        before = op.get_bind().scalar(sa.text("SHOW lock_timeout"))
        op.execute(f"SET lock_timeout = '{WAIT}'")
        yield
        op.execute(f"SET lock_timeout = '{before}'")


def make_index(
    name: str, table: str, columns: list[str], *, where: str | None = None, unique: bool = False
) -> None:
    """Within ``concurrently()``: makes the index unless it is there. A run that failed has left an INVALID
    one, which nothing uses and ``IF NOT EXISTS`` would take for it: it is removed first."""
    if op.get_bind().scalar(INVALID.bindparams(name=name)):
        drop_index(name)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        postgresql_where=None if where is None else sa.text(where),
        postgresql_concurrently=True,
        if_not_exists=True,
    )


def drop_index(name: str) -> None:
    """Within ``concurrently()``: removes the index where there is one."""
    op.drop_index(name, postgresql_concurrently=True, if_exists=True)
