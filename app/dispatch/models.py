"""Dispatch's tables (seed 001). Every row belongs to the user who made it; ``version`` counts its changes.

Lists are ordered by (created_at, id), so every list has an index that ends so.
"""

from __future__ import annotations

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlalchemy.orm import Mapped, declared_attr, mapped_column, relationship

from app.core.database import Base
from app.dispatch.statuses import ACTIVE, Cargo, DispatchStatus, OrderStatus

WEIGHT = Numeric(9, 3)  # kilograms to the gram, below a thousand tonnes
# PostgreSQL's own spelling, so that models and schema compare equal. "simple" only splits and lowers: Korean
# has no dictionary in PostgreSQL, and addresses need none.
ADDRESS_SEARCH = "to_tsvector('simple'::regconfig, ((pickup_address || ' '::text) || delivery_address))"


def one_of(column: str, values: type[Cargo] | type[OrderStatus] | type[DispatchStatus]) -> CheckConstraint:
    """A closed vocabulary as a check constraint."""
    return CheckConstraint(f"{column} IN ({', '.join(repr(str(one)) for one in values)})", name=column)


def active() -> dict[str, object]:
    """The arguments of a unique index over dispatches that are under way."""
    listed = ", ".join(repr(str(one)) for one in ACTIVE)
    return {"unique": True, "postgresql_where": text(f"status IN ({listed})")}


class Owned(Base):
    """What every row that people see has."""

    __abstract__ = True
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    owner_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("users.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"), default=1)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805  (SQLAlchemy calls it on the class)
        """Each changing UPDATE raises the version, and gives back what the server set."""
        return {"eager_defaults": True, "version_id_col": cls.__table__.c.version}


class DispatchBook(Base):
    """One account's view. ``revision`` grows in the transaction of every write that changes what the account
    sees: a cached summary is keyed by it."""

    __tablename__ = "dispatch_books"
    user_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class Client(Owned):
    """Who orders."""

    __tablename__ = "clients"
    __table_args__ = (Index("idx_clients_owner_created", "owner_id", "created_at", "id"),)
    name: Mapped[str] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(30))


class Vehicle(Owned):
    """What drives."""

    __tablename__ = "vehicles"
    __table_args__ = (
        UniqueConstraint("owner_id", "license_plate", name="uq_vehicles_owner_license_plate"),
        Index("idx_vehicles_license_plate", "license_plate"),
        Index("idx_vehicles_owner_created", "owner_id", "created_at", "id"),
    )
    license_plate: Mapped[str] = mapped_column(String(20))
    description: Mapped[str | None] = mapped_column(String(255))


class Driver(Owned):
    """Who drives. ``user_id`` is the driver's own account: it sees and moves this driver's dispatches."""

    __tablename__ = "drivers"
    __table_args__ = (
        UniqueConstraint("owner_id", "user_id", name="uq_drivers_owner_user"),
        Index("idx_drivers_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
        Index("idx_drivers_owner_created", "owner_id", "created_at", "id"),
    )
    name: Mapped[str] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(30))
    user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("users.id", ondelete="SET NULL"))


class Order(Owned):
    """What has to go where. The status follows from the dispatches, but for CANCELLED."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("cargo_type", Cargo),
        one_of("status", OrderStatus),
        CheckConstraint("weight > 0", name="weight"),
        Index("idx_orders_status", "status"),
        Index("idx_orders_created_at", "created_at"),
        Index("idx_orders_status_created", "status", "created_at"),
        Index("idx_orders_address_fts", "owner_id", "address_search", postgresql_using="gin"),
        Index("idx_orders_owner_created", "owner_id", "created_at", "id"),
        Index("idx_orders_owner_status_created", "owner_id", "status", "created_at", "id"),
        Index("idx_orders_client_id", "client_id"),
    )
    client_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("clients.id"))
    pickup_address: Mapped[str] = mapped_column(Text)
    delivery_address: Mapped[str] = mapped_column(Text)
    cargo_type: Mapped[str] = mapped_column(String(20))
    weight: Mapped[Decimal] = mapped_column(WEIGHT)
    status: Mapped[str] = mapped_column(String(20), server_default="PENDING")
    # Stored, not an expression index: a scan by date that filters by words reads it instead of parsing
    # two addresses for every row.
    address_search: Mapped[str] = mapped_column(
        TSVECTOR, Computed(ADDRESS_SEARCH, persisted=True), deferred=True, deferred_raiseload=True
    )


class Dispatch(Owned):
    """One trip. An order, a vehicle and a driver are each on at most one that is under way."""

    __tablename__ = "dispatches"
    __table_args__ = (
        one_of("status", DispatchStatus),
        Index("uq_dispatches_active_order", "order_id", **active()),  # type: ignore[arg-type]
        Index("uq_dispatches_active_vehicle", "vehicle_id", **active()),  # type: ignore[arg-type]
        Index("uq_dispatches_active_driver", "driver_id", **active()),  # type: ignore[arg-type]
        Index("idx_dispatches_status", "status"),
        Index("idx_dispatches_driver_id", "driver_id", "created_at", "id"),
        # These two hold what a search needs, so that it reads no rows of dispatches that do not match.
        Index("idx_dispatches_order_id", "order_id", "owner_id", "created_at", "id"),
        Index(
            "idx_dispatches_owner_created",
            "owner_id",
            "created_at",
            "id",
            postgresql_include=["order_id"],
        ),
        Index("idx_dispatches_vehicle_id", "vehicle_id"),
        Index("idx_dispatches_owner_status_created", "owner_id", "status", "created_at", "id"),
    )
    order_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("orders.id"))
    vehicle_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("vehicles.id"))
    driver_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("drivers.id"))
    status: Mapped[str] = mapped_column(String(20), server_default="ASSIGNED")
    status_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    order: Mapped[Order] = relationship(lazy="raise")
    vehicle: Mapped[Vehicle] = relationship(lazy="raise")
    driver: Mapped[Driver] = relationship(lazy="raise")


class DispatchStep(Base):
    """One change of a dispatch's status: when, and by whose account."""

    __tablename__ = "dispatch_steps"
    __table_args__ = (
        one_of("status", DispatchStatus),
        Index("idx_dispatch_steps_dispatch_id", "dispatch_id", "id"),
        Index("idx_dispatch_steps_user_id", "user_id", postgresql_where=text("user_id IS NOT NULL")),
    )
    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    dispatch_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("dispatches.id", ondelete="CASCADE"))
    status: Mapped[str] = mapped_column(String(20))
    user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("users.id", ondelete="SET NULL"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class DriverLocation(Base):
    """Where a driver was at one moment; a moment sent twice is one row. The primary key finds the latest."""

    __tablename__ = "driver_locations"
    __table_args__ = (Index("idx_driver_locations_recorded_at", "recorded_at"),)
    driver_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("drivers.id", ondelete="CASCADE"), primary_key=True
    )
    recorded_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    latitude: Mapped[float] = mapped_column(Double)
    longitude: Mapped[float] = mapped_column(Double)
