"""Expand: indexes of tables that may hold rows already, made without holding up writers.

Each one is made CONCURRENTLY, outside a transaction. A run that failed leaves an INVALID index of the name;
the next run removes it and begins again. Contract: nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

WAIT = "15min"  # for transactions older than the index; nobody waits behind this wait
INVALID = sa.text("SELECT 1 FROM pg_index WHERE indexrelid = to_regclass(:name) AND NOT indisvalid")


def _make(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    if op.get_bind().scalar(INVALID.bindparams(name=name)):
        _drop(name)
    op.create_index(
        name,
        table,
        columns,
        unique=unique,
        postgresql_where=sa.text(where),
        postgresql_concurrently=True,
        if_not_exists=True,
    )


def _drop(name: str) -> None:
    op.drop_index(name, postgresql_concurrently=True, if_exists=True)


def upgrade() -> None:
    """One entry for each month of a template; and what the foreign keys to categories look up when a
    category is removed."""
    with op.get_context().autocommit_block():
        before = op.get_bind().scalar(sa.text("SHOW lock_timeout"))
        op.execute(f"SET lock_timeout = '{WAIT}'")
        _make(
            "uq_transactions_recurring_occurrence",
            "transactions",
            ["recurring_id", "occurrence"],
            "occurrence IS NOT NULL",
            unique=True,
        )
        _make("idx_transactions_category", "transactions", ["category_id"], "category_id IS NOT NULL")
        _make("idx_recurring_category", "recurring_transactions", ["category_id"], "category_id IS NOT NULL")
        op.execute(f"SET lock_timeout = '{before}'")


def downgrade() -> None:
    """Removes the indexes; the version before never asked for them."""
    with op.get_context().autocommit_block():
        for name in (
            "idx_recurring_category",
            "idx_transactions_category",
            "uq_transactions_recurring_occurrence",
        ):
            _drop(name)
