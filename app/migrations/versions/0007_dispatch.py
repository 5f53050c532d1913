"""Expand: clients, orders, vehicles, drivers, dispatches, locations (seed 001)."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

ACTIVE = "status IN ('ASSIGNED', 'ACCEPTED', 'PICKED_UP', 'IN_TRANSIT')"
DISPATCH_STATUS = (
    "status IN ('ASSIGNED', 'ACCEPTED', 'PICKED_UP', 'IN_TRANSIT', 'COMPLETED', 'REJECTED', 'CANCELLED')"
)
ORDER_STATUS = "status IN ('PENDING', 'ASSIGNED', 'IN_TRANSIT', 'COMPLETED', 'CANCELLED')"
# Stored, so that a scan by date reads the words instead of parsing two addresses for every row. "simple", and
# not the seed's "korean": PostgreSQL has no such dictionary, and addresses need none.
ADDRESS_SEARCH = "to_tsvector('simple'::regconfig, ((pickup_address || ' '::text) || delivery_address))"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def _time(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False)


def _references(table: str, column: str, target: str, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], f"fk_{table}_{column}", ondelete=ondelete)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns or ("id",), name=f"pk_{table}")


def _check(table: str, name: str, condition: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(condition, name=op.f(f"ck_{table}_{name}"))


def _owned(table: str, *own: sa.schema.SchemaItem, beside: tuple[str, ...] = ()) -> None:
    """A table whose rows belong to a user; a list shows them by (created_at, id), and its index may hold
    columns ``beside``."""
    op.create_table(
        table,
        _id(),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        _time("created_at"),
        _time("updated_at"),
        _key(table),
        _references(table, "owner_id", "users", "CASCADE"),
        *own,
    )
    columns = ["owner_id", "created_at", "id"]
    op.create_index(f"idx_{table}_owner_created", table, columns, postgresql_include=list(beside))


def _indexes(table: str, indexes: Iterable[tuple[str, list[str]]]) -> None:
    for name, columns in indexes:
        op.create_index(f"idx_{table}_{name}", table, columns)


def _register() -> None:
    _owned(
        "clients",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("phone", sa.String(30)),
    )
    _owned(
        "vehicles",
        sa.Column("license_plate", sa.String(20), nullable=False),
        sa.Column("description", sa.String(255)),
        sa.UniqueConstraint("owner_id", "license_plate", name="uq_vehicles_owner_license_plate"),
    )
    _indexes("vehicles", [("license_plate", ["license_plate"])])
    _owned(
        "drivers",
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("phone", sa.String(30)),
        sa.Column("user_id", sa.Uuid()),
        _references("drivers", "user_id", "users", "SET NULL"),
        sa.UniqueConstraint("owner_id", "user_id", name="uq_drivers_owner_user"),
    )
    linked = sa.text("user_id IS NOT NULL")
    op.create_index("idx_drivers_user_id", "drivers", ["user_id"], postgresql_where=linked)


def _orders() -> None:
    _owned(
        "orders",
        sa.Column("client_id", sa.BigInteger(), nullable=False),
        sa.Column("pickup_address", sa.Text(), nullable=False),
        sa.Column("delivery_address", sa.Text(), nullable=False),
        sa.Column("cargo_type", sa.String(20), nullable=False),
        sa.Column("weight", sa.Numeric(9, 3), nullable=False),
        sa.Column("status", sa.String(20), server_default="PENDING", nullable=False),
        sa.Column("address_search", TSVECTOR(), sa.Computed(ADDRESS_SEARCH, persisted=True), nullable=False),
        _references("orders", "client_id", "clients"),
        _check("orders", "cargo_type", "cargo_type IN ('frozen', 'chilled', 'ambient')"),
        _check("orders", "status", ORDER_STATUS),
        _check("orders", "weight", "weight > 0"),
    )
    indexes = (
        ("status", ["status"]),
        ("created_at", ["created_at"]),
        ("status_created", ["status", "created_at"]),
        ("owner_status_created", ["owner_id", "status", "created_at", "id"]),
        ("client_id", ["client_id"]),
    )
    _indexes("orders", indexes)
    # With the owner in front (btree_gin, a trusted extension of PostgreSQL's own contrib): a search reads the
    # matches of one owner, however many the others have.
    op.execute("CREATE EXTENSION IF NOT EXISTS btree_gin")
    op.create_index(
        "idx_orders_address_fts", "orders", ["owner_id", "address_search"], postgresql_using="gin"
    )


def _dispatches() -> None:
    table = "dispatches"
    _owned(
        table,
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("vehicle_id", sa.BigInteger(), nullable=False),
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(20), server_default="ASSIGNED", nullable=False),
        _time("status_at"),
        _references(table, "order_id", "orders"),
        _references(table, "vehicle_id", "vehicles"),
        _references(table, "driver_id", "drivers"),
        _check(table, "status", DISPATCH_STATUS),
        beside=("order_id",),
    )
    indexes = (
        ("status", ["status"]),
        ("driver_id", ["driver_id", "created_at", "id"]),
        ("order_id", ["order_id", "owner_id", "created_at", "id"]),
        ("vehicle_id", ["vehicle_id"]),
        ("owner_status_created", ["owner_id", "status", "created_at", "id"]),
    )
    _indexes(table, indexes)
    for part in ("order", "vehicle", "driver"):
        op.create_index(
            f"uq_dispatches_active_{part}",
            table,
            [f"{part}_id"],
            unique=True,
            postgresql_where=sa.text(ACTIVE),
        )


def _steps() -> None:
    table = "dispatch_steps"
    op.create_table(
        table,
        _id(),
        sa.Column("dispatch_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("user_id", sa.Uuid()),
        _time("at"),
        _key(table),
        _references(table, "dispatch_id", "dispatches", "CASCADE"),
        _references(table, "user_id", "users", "SET NULL"),
        _check(table, "status", DISPATCH_STATUS),
    )
    op.create_index("idx_dispatch_steps_dispatch_id", table, ["dispatch_id", "id"])


def _locations() -> None:
    table = "driver_locations"
    op.create_table(
        table,
        sa.Column("driver_id", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=False),
        sa.Column("longitude", sa.Double(), nullable=False),
        _key(table, "driver_id", "recorded_at"),
        _references(table, "driver_id", "drivers", "CASCADE"),
    )
    op.create_index("idx_driver_locations_recorded_at", table, ["recorded_at"])


def upgrade() -> None:
    """Adds tables only; the version before runs on this schema too."""
    op.create_table(
        "dispatch_books",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        _key("dispatch_books", "user_id"),
        _references("dispatch_books", "user_id", "users", "CASCADE"),
    )
    _register()
    _orders()
    _dispatches()
    _steps()
    _locations()


TABLES = ("clients", "vehicles", "drivers", "orders", "dispatches", "dispatch_steps", "driver_locations")


def downgrade() -> None:
    """Removes everything of dispatch, data too."""
    for table in ("dispatch_books", *TABLES[::-1]):
        op.drop_table(table)
    op.execute("DROP EXTENSION IF EXISTS btree_gin")
