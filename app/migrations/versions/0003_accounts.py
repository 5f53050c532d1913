"""Roles and passwords of local accounts, and which people the identity provider has deleted.

Expand only: the version before neither reads nor writes the new columns. `users` may hold rows, so each step
takes its lock for a moment: defaults are constants; the check is validated and the index made beside writers.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.migrations import online

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

CHECK = "ck_users_role"
INDEX = "uq_users_local_email"


def _time(name: str, *, nullable: bool = True, default: sa.TextClause | None = None) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def upgrade() -> None:
    """Adds only; the version before runs on this schema too. A run that failed halfway may be run again."""
    for column in (
        sa.Column("role", sa.String(10), server_default="user", nullable=False),
        sa.Column("password_hash", sa.String(255)),
        _time("disabled_at"),
        _time("provider_at"),
    ):
        op.add_column("users", column, if_not_exists=True)
    op.create_table(
        "deleted_users",
        sa.Column("clerk_user_id", sa.String(255), nullable=False),
        _time("deleted_at", nullable=False, default=sa.text("now()")),
        sa.PrimaryKeyConstraint("clerk_user_id", name="pk_deleted_users"),
        if_not_exists=True,
    )
    op.drop_constraint(op.f(CHECK), "users", type_="check", if_exists=True)
    op.create_check_constraint(op.f(CHECK), "users", "role IN ('admin', 'user')", postgresql_not_valid=True)
    with online.concurrently():
        op.execute(f"ALTER TABLE users VALIDATE CONSTRAINT {CHECK}")
        online.make_index(INDEX, "users", ["email"], where="password_hash IS NOT NULL", unique=True)


def downgrade() -> None:
    """Removes what was added. Local accounts cannot log in any more; their entries stay."""
    with online.concurrently():
        online.drop_index(INDEX)
    op.drop_table("deleted_users")
    op.drop_constraint(op.f(CHECK), "users", type_="check")
    for column in ("provider_at", "disabled_at", "password_hash", "role"):
        op.drop_column("users", column)
