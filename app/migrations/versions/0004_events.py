"""Expand: what went wrong, by trace id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLE = "monitoring_events"


def upgrade() -> None:
    """Adds only; the version before runs on this schema too. The table is new, so its indexes lock nobody."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("level", sa.String(10), nullable=False),
        sa.Column("error_code", sa.String(10), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("method", sa.String(10), nullable=False),
        sa.Column("route", sa.String(255)),
        sa.Column("message", sa.String(500), nullable=False),
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("principal", sa.String(32)),
        sa.Column("exception", sa.String(255)),
        sa.PrimaryKeyConstraint("id", name=f"pk_{TABLE}"),
    )
    op.create_index("idx_monitoring_events_code", TABLE, ["error_code", "id"])
    op.create_index("idx_monitoring_events_trace", TABLE, ["trace_id"])
    op.create_index("idx_monitoring_events_request", TABLE, ["request_id"])


def downgrade() -> None:
    """Removes what was added."""
    op.drop_table(TABLE)
