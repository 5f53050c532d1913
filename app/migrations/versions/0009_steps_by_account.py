"""Expand: the index that the foreign key of a step's account looks up when an account is removed. Contract:
nothing."""

from __future__ import annotations

from app.migrations import online

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

NAME = "idx_dispatch_steps_user_id"


def upgrade() -> None:
    """Adds only; the version before runs on this schema too. A run that failed halfway may be run again."""
    with online.concurrently():
        online.make_index(NAME, "dispatch_steps", ["user_id"], where="user_id IS NOT NULL")


def downgrade() -> None:
    """Removes the index; the version before never asked for it."""
    with online.concurrently():
        online.drop_index(NAME)
