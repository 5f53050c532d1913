"""Expand: the job queue, batch jobs and their items."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

from app.core.jobs import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

STATUSES = "status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')"
ITEM_STATUSES = "status IN ('pending', 'completed', 'failed')"
COUNTS = "0 <= failed_items AND failed_items <= processed_items AND processed_items <= total_items"


def _time(name: str, *, now: bool = False) -> sa.Column[object]:
    default = sa.text("now()") if now else None
    return sa.Column(name, sa.DateTime(timezone=True), server_default=default, nullable=not now)


def _count(name: str, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), server_default=default and sa.text(default), nullable=False)


def _status() -> sa.Column[str]:
    return sa.Column("status", sa.String(10), server_default="pending", nullable=False)


def _script(text: str) -> None:
    """Runs a file of several statements, which a prepared statement could not hold."""
    connection: Any = op.get_bind().connection.dbapi_connection
    connection.run_async(lambda driver: driver.execute(text))


def _queue() -> None:
    """From nothing, whatever an interrupted run has left: each step is committed by itself."""
    with op.get_context().autocommit_block():
        op.execute(schema.REMOVE)
        for path in schema.steps("", schema.FIRST_REVISION_LAST):
            _script(path.read_text(encoding="utf-8"))


def _jobs() -> None:
    table = "batch_jobs"
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        _status(),
        _count("total_items"),
        _count("processed_items", "0"),
        _count("failed_items", "0"),
        sa.Column("error", sa.Text()),
        _time("running_since"),
        sa.Column("ran_seconds", sa.Float(), server_default=sa.text("0"), nullable=False),
        _count("version", "1"),
        _time("created_at", now=True),
        _time("started_at"),
        _time("finished_at"),
        _time("updated_at", now=True),
        sa.PrimaryKeyConstraint("id", name="pk_batch_jobs"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], "fk_batch_jobs_user_id", ondelete="CASCADE"),
        sa.CheckConstraint(STATUSES, name=op.f("ck_batch_jobs_status")),
        sa.CheckConstraint(COUNTS, name=op.f("ck_batch_jobs_counts")),
    )
    op.create_index("ix_batch_jobs_user_created", table, ["user_id", "created_at", "id"])
    op.create_index("ix_batch_jobs_created", table, ["created_at", "id"])
    active = sa.text("status IN ('pending', 'running')")
    op.create_index("ix_batch_jobs_active", table, ["id"], postgresql_where=active)
    op.create_index("ix_batch_jobs_finished_at", table, ["finished_at"])


def _items() -> None:
    table = "batch_items"
    op.create_table(
        table,
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        _status(),
        sa.Column("item", JSONB(), nullable=False),
        sa.Column("result", JSONB()),
        sa.Column("error", JSONB()),
        _time("finished_at"),
        sa.PrimaryKeyConstraint("job_id", "position", name="pk_batch_items"),
        sa.ForeignKeyConstraint(["job_id"], ["batch_jobs.id"], "fk_batch_items_job_id", ondelete="CASCADE"),
        sa.CheckConstraint(
            "status IN ('pending', 'completed', 'failed')", name=op.f("ck_batch_items_status")
        ),
    )
    pending = sa.text("status = 'pending'")
    op.create_index("ix_batch_items_pending", table, ["job_id", "position"], postgresql_where=pending)


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""
    _queue()
    _jobs()
    _items()


def downgrade() -> None:
    """Removes the queue and everybody's batch jobs."""
    op.drop_table("batch_items")
    op.drop_table("batch_jobs")
    op.execute(schema.REMOVE)
