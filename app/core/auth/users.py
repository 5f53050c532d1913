"""Users: people of the identity provider and local accounts. Modules refer to users.id and own the rest."""

from __future__ import annotations

import re
import unicodedata
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Protocol

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Index,
    Select,
    String,
    Uuid,
    exists,
    func,
    literal,
    select,
    text,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from app.core.database import Base
from app.core.errors import InvalidTokenError

NEW_ID = text("gen_random_uuid()")
LOCAL_PREFIX: Final = "local:"
DEVELOPER_ID: Final = "dev"
# The checks of a release. No account's id: those go on with 32 hexadecimal digits (accounts.create_account).
CHECKS_PREFIX: Final = f"{LOCAL_PREFIX}checks-"
NOBODY: Final = uuid.UUID(int=0)  # of no row: PostgreSQL makes random ids
EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f\ud800-\udfff]+@[^@\s\x00-\x1f\x7f\ud800-\udfff]+")
MAX_EMAIL = 254  # RFC 5321 §4.5.3.1.3, without the angle brackets
LOCAL_ONLY = text("password_hash IS NOT NULL")


class Role(StrEnum):
    """What may they do? An admin may do what a user may, and see what belongs to everybody."""

    ADMIN = "admin"
    USER = "user"


class User(Base):
    """One person. ``clerk_user_id`` is the provider's id, or ours with LOCAL_PREFIX; ``role`` and
    ``password_hash`` belong to local accounts alone, a provider's token says the role itself."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint("role IN ('admin', 'user')", name="role"),
        Index("uq_users_local_email", "email", unique=True, postgresql_where=LOCAL_ONLY),
    )
    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True, server_default=NEW_ID)
    clerk_user_id: Mapped[str] = mapped_column(String(255), unique=True)
    email: Mapped[str] = mapped_column(String(255))  # empty where the provider tells none
    role: Mapped[str] = mapped_column(String(10), server_default=Role.USER.value)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    provider_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))  # its newest event's time
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.now(), onupdate=func.now()
    )


class DeletedUser(Base):
    """Somebody the provider has deleted: late events and tokens that still run bring nobody back."""

    __tablename__ = "deleted_users"
    clerk_user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    deleted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


@dataclass(frozen=True)
class Identity:
    """Who a token speaks for, and in which role. ``email`` is empty where the token tells none."""

    clerk_user_id: str
    email: str
    role: Role = Role.USER

    @property
    def local(self) -> bool:
        """Whether this is an account of our own, which only an admin makes."""
        return self.clerk_user_id.startswith(LOCAL_PREFIX)

    @property
    def checking(self) -> bool:
        """Whether these are the checks of a release."""
        return self.clerk_user_id.startswith(CHECKS_PREFIX)


class Authenticator(Protocol):
    """Checks a bearer token."""

    async def identify(self, token: str) -> Identity | None:
        """Who the token speaks for, None where it is not valid. Raises KeysAwayError where that cannot be
        told now."""


def is_reserved(clerk_user_id: str) -> bool:
    """Whether the id is one of ours, which no token or event of the provider may claim."""
    return clerk_user_id.startswith(LOCAL_PREFIX) or clerk_user_id == DEVELOPER_ID


def email_of(value: Any) -> str:
    """The address a token or an event tells, or "" where it is none: nothing is decided by it."""
    fits = isinstance(value, str) and len(value) <= MAX_EMAIL and EMAIL.fullmatch(value)
    return value if fits else ""


def account_email(text: str) -> str:
    """The address by which a local account is found: NFC, small letters. Raises ValueError for none."""
    address = email_of(unicodedata.normalize("NFC", text).strip().lower())
    if not address:
        raise ValueError("must be an e-mail address")
    return address


async def find_user(session: AsyncSession, clerk_user_id: str) -> User | None:
    """The stored user, in one statement."""
    return await session.scalar(select(User).where(User.clerk_user_id == clerk_user_id))


async def ensure_user(session: AsyncSession, identity: Identity) -> User | None:
    """The user of this identity, made at the first sight; safe when two requests see it at once. None for a
    local account that is gone and for a person the provider has deleted."""
    found = await find_user(session, identity.clerk_user_id)
    if found is None and not identity.local and not await was_deleted(session, identity.clerk_user_id):
        row = {"clerk_user_id": identity.clerk_user_id, "email": identity.email}
        await session.execute(insert(User).values(row).on_conflict_do_nothing())
        found = await find_user(session, identity.clerk_user_id)
    return found


def checks_user(identity: Identity) -> User:
    """Who the checks are: a user without a row. Nothing belongs to it and nothing can be written for it, as
    what is somebody's refers to a row."""
    return User(
        id=NOBODY,
        clerk_user_id=identity.clerk_user_id,
        email="",
        role=Role.USER.value,
        created_at=datetime.fromtimestamp(0, UTC),
    )


async def was_deleted(session: AsyncSession, clerk_user_id: str) -> bool:
    """Whether the provider has deleted this person. Holds the id until the transaction's end, so that a
    deletion at the same time is seen by the one or waits for the other."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(clerk_user_id, 0))))
    gone = await session.scalar(select(exists().where(DeletedUser.clerk_user_id == clerk_user_id)))
    return bool(gone)


async def hold_accounts(session: AsyncSession, own: uuid.UUID, *others: Select[Any]) -> None:
    """The first statement of a write: keeps the own account, and those whose ids ``others`` find, from being
    deleted before the commit. A deletion begins with the account's row too, so that the one waits for the
    other, and never each for each. Raises InvalidTokenError where the own account is gone."""
    ids = union_all(select(literal(own, Uuid)), *others)
    held = select(User.id).where(User.id.in_(ids)).order_by(User.id)
    if own not in set(await session.scalars(held.with_for_update(read=True, key_share=True))):
        raise InvalidTokenError
