"""Expand: what the ledger needs to generate entries once, and to notice that somebody else changed a row.

Columns are nullable or have a constant default, so no table is rewritten and the version before goes on
inserting without them. What is done is noted after their commit, so that nobody waits for it. Contract:
nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Entries that refer to a template were made by the browser's application: its months are done. What is noted
# already stays, so that a run that failed may be run again.
DONE_MONTHS = """
UPDATE recurring_transactions r SET generated_until = made.month
FROM (SELECT recurring_id, date_trunc('month', max(date))::date AS month
      FROM transactions WHERE recurring_id IS NOT NULL GROUP BY recurring_id) made
WHERE r.id = made.recurring_id AND r.generated_until IS NULL
"""
COUNTED = ("recurring_transactions", "transactions")


def upgrade() -> None:
    """Adds only; the version before runs on this schema too. A run that failed halfway may be run again."""
    _add("recurring_transactions", sa.Column("generated_until", sa.Date()))
    _add("transactions", sa.Column("occurrence", sa.Date()))
    for table in COUNTED:
        _add(table, sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    with op.get_context().autocommit_block():
        op.execute(DONE_MONTHS)


def _add(table: str, column: sa.Column[object]) -> None:
    op.add_column(table, column, if_not_exists=True)


def downgrade() -> None:
    """Removes what was added; entries stay."""
    for table in COUNTED:
        op.drop_column(table, "version")
    op.drop_column("transactions", "occurrence")
    op.drop_column("recurring_transactions", "generated_until")
