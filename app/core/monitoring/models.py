"""The table of answered errors."""

from __future__ import annotations

import uuid
from datetime import datetime

from sqlalchemy import DateTime, Index, SmallInteger, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base

MESSAGE = 500  # characters; messages are one sentence
NAME = 255


class Event(Base):
    """One error as it was answered: no query, no body, no address. ``principal`` tells two people apart and
    names neither. Ids grow with time (RFC 9562 §5.7), so the primary key also orders and bounds by time."""

    __tablename__ = "monitoring_events"
    __table_args__ = (
        Index("idx_monitoring_events_code", "error_code", "id"),
        Index("idx_monitoring_events_trace", "trace_id"),
        Index("idx_monitoring_events_request", "request_id"),
    )
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    occurred_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    level: Mapped[str] = mapped_column(String(10))
    error_code: Mapped[str] = mapped_column(String(10))
    status: Mapped[int] = mapped_column(SmallInteger)
    method: Mapped[str] = mapped_column(String(10))
    route: Mapped[str | None] = mapped_column(String(NAME))
    message: Mapped[str] = mapped_column(String(MESSAGE))
    trace_id: Mapped[str] = mapped_column(String(32))
    request_id: Mapped[str] = mapped_column(String(128))
    principal: Mapped[str | None] = mapped_column(String(32))
    exception: Mapped[str | None] = mapped_column(String(NAME))
