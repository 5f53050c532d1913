"""What went wrong, by trace id."""

from __future__ import annotations

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""


def downgrade() -> None:
    """Removes what was added."""
