"""Expand: what the ledger needs to generate entries once, and to notice that somebody else changed a row.

Columns are nullable or have a constant default, so no table is rewritten and the version before goes on
inserting without them. Contract: nothing.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Entries that refer to a template were made by the browser's application: its months are done.
DONE_MONTHS = """
UPDATE recurring_transactions r SET generated_until = made.month
FROM (SELECT recurring_id, date_trunc('month', max(date))::date AS month
      FROM transactions WHERE recurring_id IS NOT NULL GROUP BY recurring_id) made
WHERE r.id = made.recurring_id
"""


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""
    op.add_column("recurring_transactions", sa.Column("generated_until", sa.Date()))
    op.add_column("transactions", sa.Column("occurrence", sa.Date()))
    for table in ("recurring_transactions", "transactions"):
        op.add_column(table, sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False))
    op.execute(DONE_MONTHS)


def downgrade() -> None:
    """Removes what was added; entries stay."""
    for table in ("recurring_transactions", "transactions"):
        op.drop_column(table, "version")
    op.drop_column("transactions", "occurrence")
    op.drop_column("recurring_transactions", "generated_until")
