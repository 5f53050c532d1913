"""Batch jobs and their items. The queue's own tables are procrastinate's: see schema.py."""

from __future__ import annotations

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    Uuid,
    cast,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.core.auth.users import NEW_ID
from app.core.database import Base

KIND_LENGTH = 64


class BatchStatus(StrEnum):
    """How far is the job? The last three are final."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ItemStatus(StrEnum):
    """What became of the item? An item whose job was cancelled before its turn stays pending."""

    PENDING = "pending"
    COMPLETED = "completed"
    FAILED = "failed"


ACTIVE = (BatchStatus.PENDING, BatchStatus.RUNNING)
FINAL = (BatchStatus.COMPLETED, BatchStatus.FAILED, BatchStatus.CANCELLED)


def _time() -> Mapped[datetime | None]:
    return mapped_column(DateTime(timezone=True))


class BatchJob(Base):
    """One submitted list of items. The counts grow in the transaction that stores an item's result.
    ``running_since`` is set while the job runs, ``ran_seconds`` holds the periods before."""

    __tablename__ = "batch_jobs"
    __table_args__ = (
        CheckConstraint(
            "status IN ('pending', 'running', 'paused', 'completed', 'failed', 'cancelled')", name="status"
        ),
        CheckConstraint(
            "0 <= failed_items AND failed_items <= processed_items AND processed_items <= total_items",
            name="counts",
        ),
        Index("ix_batch_jobs_user_created", "user_id", "created_at", "id"),
        Index("ix_batch_jobs_created", "created_at", "id"),
        Index("ix_batch_jobs_active", "id", postgresql_where=text("status IN ('pending', 'running')")),
        Index("ix_batch_jobs_finished_at", "finished_at"),
    )
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    user_id: Mapped[uuid.UUID] = mapped_column(Uuid, ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(KIND_LENGTH))
    status: Mapped[str] = mapped_column(String(10), server_default=BatchStatus.PENDING.value)
    total_items: Mapped[int] = mapped_column(Integer)
    processed_items: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    failed_items: Mapped[int] = mapped_column(Integer, server_default=text("0"))
    error: Mapped[str | None] = mapped_column(Text)
    running_since = mapped_column(DateTime(timezone=True), nullable=True)
    ran_seconds = mapped_column(Float, server_default=text("0"), nullable=False)
    version: Mapped[int] = mapped_column(Integer, server_default=text("1"))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    started_at: Mapped[datetime | None] = _time()
    finished_at: Mapped[datetime | None] = _time()
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )
    # The database's clock on both sides: replicas' clocks may differ.
    elapsed_seconds: Mapped[float] = column_property(
        ran_seconds.column
        + func.coalesce(
            cast(func.extract("epoch", func.clock_timestamp() - running_since.column), Float), 0.0
        )
    )


class BatchItem(Base):
    """One item, its place in the list, and what became of it. ``result`` is the kind's own, ``error`` has
    error_code, message and trace_id."""

    __tablename__ = "batch_items"
    __table_args__ = (
        CheckConstraint("status IN ('pending', 'completed', 'failed')", name="status"),
        Index(
            "ix_batch_items_pending",
            "job_id",
            "position",
            postgresql_where=text("status = 'pending'"),
        ),
    )
    job_id: Mapped[uuid.UUID] = mapped_column(
        Uuid, ForeignKey("batch_jobs.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    status: Mapped[str] = mapped_column(String(10), server_default=ItemStatus.PENDING.value)
    item: Mapped[dict[str, Any]] = mapped_column(JSONB)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    finished_at: Mapped[datetime | None] = _time()
