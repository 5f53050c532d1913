"""The ledger's tables (seed 002 §2.1) with timestamptz, and the revision that keys cached summaries."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    func,
    text,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.auth.users import NEW_ID
from app.core.database import Base

MONEY = Numeric(15, 2)
Month = date  # its first day


def _created() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), server_default=func.now())


def _updated() -> Mapped[datetime]:
    return mapped_column(DateTime(timezone=True), server_default=func.now(), onupdate=func.now())


def _version() -> Mapped[int]:
    return mapped_column(Integer, server_default=text("1"))


def _owner() -> Mapped[uuid.UUID]:
    return mapped_column(Uuid, ForeignKey("users.id", ondelete="CASCADE"))


class Book(Base):
    """One user's ledger. ``revision`` grows in the transaction of every write: a cached summary is keyed by
    it, and the row's lock puts one user's writes in a line."""

    __tablename__ = "ledger_books"
    user_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True
    )
    revision: Mapped[int] = mapped_column(BigInteger, server_default=text("0"))


class Category(Base):
    """``user_id`` is NULL for the defaults, which everybody sees and nobody changes."""

    __tablename__ = "categories"
    __table_args__ = (
        UniqueConstraint(
            "user_id",
            "name",
            "emoji",
            name="uq_categories_user_name_emoji",
            postgresql_nulls_not_distinct=True,
        ),
    )
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    emoji: Mapped[str] = mapped_column(String(10))
    is_default: Mapped[bool] = mapped_column(Boolean, server_default=false())
    created_at: Mapped[datetime] = _created()


class RecurringTransaction(Base):
    """A template from which scheduled transactions are made. Months are kept as their first day; those up to
    ``generated_until`` are done with: what a user moved or removed since is not made again."""

    __tablename__ = "recurring_transactions"
    __table_args__ = (
        CheckConstraint("type IN ('income', 'expense')", name="type"),
        CheckConstraint("day_of_month BETWEEN 1 AND 31", name="day_of_month"),
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint("end_date IS NULL OR end_date >= start_date", name="period"),
        Index("idx_recurring_user_active", "user_id", "is_active"),
        Index("idx_recurring_category", "category_id", postgresql_where=text("category_id IS NOT NULL")),
    )
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[uuid.UUID] = _owner()
    template_name: Mapped[str] = mapped_column(String(255))
    description: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    type: Mapped[str] = mapped_column(String(10))
    category_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("categories.id"))
    frequency: Mapped[str] = mapped_column(String(20), server_default="monthly")
    start_date: Mapped[date] = mapped_column(Date)
    end_date: Mapped[date | None] = mapped_column(Date)
    day_of_month: Mapped[int] = mapped_column(Integer)
    is_active: Mapped[bool] = mapped_column(Boolean, server_default=true())
    is_variable_amount: Mapped[bool] = mapped_column(Boolean, server_default=false())
    generated_until: Mapped[Month | None] = mapped_column(Date)
    version: Mapped[int] = _version()
    created_at: Mapped[datetime] = _created()
    updated_at: Mapped[datetime] = _updated()
    category: Mapped[Category | None] = relationship(lazy="raise")


class Transaction(Base):
    """One entry. ``date`` is the household's calendar day, without a time zone; ``occurrence`` the month of
    its template that it was made for, wherever it is moved."""

    __tablename__ = "transactions"
    __table_args__ = (
        CheckConstraint("type IN ('income', 'expense')", name="type"),
        CheckConstraint("status IN ('confirmed', 'scheduled')", name="status"),
        CheckConstraint("amount >= 0", name="amount"),
        Index("idx_transactions_user_date", "user_id", text("date DESC")),
        Index("idx_transactions_user_category", "user_id", "category_id"),
        Index("idx_transactions_recurring", "recurring_id"),
        Index("idx_transactions_category", "category_id", postgresql_where=text("category_id IS NOT NULL")),
        Index(
            "uq_transactions_recurring_occurrence",
            "recurring_id",
            "occurrence",
            unique=True,
            postgresql_where=text("occurrence IS NOT NULL"),
        ),
    )
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[uuid.UUID] = _owner()
    date: Mapped[date] = mapped_column(Date)
    description: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    type: Mapped[str] = mapped_column(String(10))
    category_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, ForeignKey("categories.id"))
    status: Mapped[str] = mapped_column(String(20), server_default="confirmed")
    recurring_id: Mapped[uuid.UUID | None] = mapped_column(
        Uuid, ForeignKey("recurring_transactions.id", ondelete="SET NULL")
    )
    occurrence: Mapped[Month | None] = mapped_column(Date)
    version: Mapped[int] = _version()
    created_at: Mapped[datetime] = _created()
    updated_at: Mapped[datetime] = _updated()
    category: Mapped[Category | None] = relationship(lazy="raise")
