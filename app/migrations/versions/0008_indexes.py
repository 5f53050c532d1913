"""Expand: indexes of tables that may hold rows already, made beside their writers. Contract: nothing."""

from __future__ import annotations

from app.migrations import online

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ONE_A_MONTH = "uq_transactions_recurring_occurrence"
CATEGORIES = (  # what the foreign keys to categories look up when a category is removed
    ("idx_transactions_category", "transactions"),
    ("idx_recurring_category", "recurring_transactions"),
)


def upgrade() -> None:
    """Adds only; the version before runs on this schema too. A run that failed halfway may be run again."""
    with online.concurrently():
        columns = ["recurring_id", "occurrence"]
        online.make_index(ONE_A_MONTH, "transactions", columns, where="occurrence IS NOT NULL", unique=True)
        for name, table in CATEGORIES:
            online.make_index(name, table, ["category_id"], where="category_id IS NOT NULL")


def downgrade() -> None:
    """Removes the indexes; the version before never asked for them."""
    with online.concurrently():
        for name in (*(name for name, _ in CATEGORIES), ONE_A_MONTH):
            online.drop_index(name)
