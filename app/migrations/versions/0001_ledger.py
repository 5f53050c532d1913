"""Expand: users and the ledger's tables (seed 002 §2.1), the first of all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

NEW_ID = sa.text("gen_random_uuid()")
MONEY = sa.Numeric(15, 2)
TYPES = "type IN ('income', 'expense')"


def _id() -> sa.Column[object]:
    return sa.Column("id", sa.Uuid(), server_default=NEW_ID, nullable=False)


def _owner(*, nullable: bool = False) -> sa.Column[object]:
    return sa.Column("user_id", sa.Uuid(), nullable=nullable)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _references(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], f"fk_{table}_{column}", ondelete=ondelete)


def _key(table: str, column: str = "id") -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(column, name=f"pk_{table}")


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _users() -> None:
    op.create_table(
        "users",
        _id(),
        sa.Column("clerk_user_id", sa.String(255), nullable=False),
        sa.Column("email", sa.String(255), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        _key("users"),
        sa.UniqueConstraint("clerk_user_id", name="uq_users_clerk_user_id"),
    )
    op.create_table(
        "ledger_books",
        _owner(),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _key("ledger_books", "user_id"),
        _references("ledger_books", "user_id", "users", "CASCADE"),
    )


def _categories() -> None:
    op.create_table(
        "categories",
        _id(),
        _owner(nullable=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("emoji", sa.String(10), nullable=False),
        sa.Column("is_default", sa.Boolean(), server_default=sa.false(), nullable=False),
        _time("created_at"),
        _key("categories"),
        _references("categories", "user_id", "users", "CASCADE"),
        sa.UniqueConstraint(
            "user_id",
            "name",
            "emoji",
            name="uq_categories_user_name_emoji",
            postgresql_nulls_not_distinct=True,
        ),
    )


def _recurring() -> None:
    table = "recurring_transactions"
    op.create_table(
        table,
        _id(),
        _owner(),
        sa.Column("template_name", sa.String(255), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("frequency", sa.String(20), server_default="monthly", nullable=False),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("end_date", sa.Date()),
        sa.Column("day_of_month", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.true(), nullable=False),
        sa.Column("is_variable_amount", sa.Boolean(), server_default=sa.false(), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        _key(table),
        _references(table, "user_id", "users", "CASCADE"),
        _references(table, "category_id", "categories"),
        _check(table, "type", TYPES),
        _check(table, "day_of_month", "day_of_month BETWEEN 1 AND 31"),
        _check(table, "amount", "amount >= 0"),
        _check(table, "period", "end_date IS NULL OR end_date >= start_date"),
    )
    op.create_index("idx_recurring_user_active", table, ["user_id", "is_active"])


def _transactions() -> None:
    table = "transactions"
    op.create_table(
        table,
        _id(),
        _owner(),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("amount", MONEY, nullable=False),
        sa.Column("type", sa.String(10), nullable=False),
        sa.Column("category_id", sa.Uuid()),
        sa.Column("status", sa.String(20), server_default="confirmed", nullable=False),
        sa.Column("recurring_id", sa.Uuid()),
        _time("created_at"),
        _time("updated_at"),
        _key(table),
        _references(table, "user_id", "users", "CASCADE"),
        _references(table, "category_id", "categories"),
        _references(table, "recurring_id", "recurring_transactions", "SET NULL"),
        _check(table, "type", TYPES),
        _check(table, "status", "status IN ('confirmed', 'scheduled')"),
        _check(table, "amount", "amount >= 0"),
    )
    op.create_index("idx_transactions_user_date", table, ["user_id", sa.text("date DESC")])
    op.create_index("idx_transactions_user_category", table, ["user_id", "category_id"])
    op.create_index("idx_transactions_recurring", table, ["recurring_id"])


def upgrade() -> None:
    """The first tables: nothing runs on an older schema."""
    _users()
    _categories()
    _recurring()
    _transactions()


def downgrade() -> None:
    """Removes everything, data too."""
    for table in ("transactions", "recurring_transactions", "categories", "ledger_books", "users"):
        op.drop_table(table)
