"""Users, as the identity provider knows them. Modules refer to users.id and own everything else."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from sqlalchemy import DateTime, String, Uuid, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base

NEW_ID = text("gen_random_uuid()")


class User(Base):
    """One person, known by the identity provider's id."""

    __tablename__ = "users"
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    clerk_user_id: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


class Role(StrEnum):
    """What may they do? An admin may do what a user may, and see what belongs to everybody."""

    ADMIN = "admin"
    USER = "user"


@dataclass(frozen=True)
class Identity:
    """Who a token speaks for, and in which role."""

    clerk_user_id: str
    email: str
    role: Role = Role.USER


class Authenticator(Protocol):
    """Checks a bearer token."""

    async def identify(self, token: str) -> Identity | None:
        """Who the token speaks for, None where it is not valid."""


async def ensure_user(session: AsyncSession, identity: Identity) -> User:
    """The user of this identity, made at the first sight; safe when two requests see it at once."""
    wanted = select(User).where(User.clerk_user_id == identity.clerk_user_id)
    found = await session.scalar(wanted)
    if found is None:
        row = {"clerk_user_id": identity.clerk_user_id, "email": identity.email}
        await session.execute(insert(User).values(row).on_conflict_do_nothing())
        found = (await session.scalars(wanted)).one()
    return found
