"""Webhooks of the identity provider (Clerk through Svix, Standard Webhooks 1.0): signature and effect.

An event counts only if it is newer than what is stored of the person, so events may come late, twice or in
any order. ``user.deleted`` deletes the user and by ON DELETE CASCADE everything that is theirs, in one
transaction; the id stays in ``deleted_users``: no older event and no token that still runs brings them back.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic import ValidationError
from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from app.core.auth.errors import WebhookSignatureError
from app.core.auth.schemas import ProviderEvent, ProviderUser
from app.core.auth.users import DeletedUser, User, email_of, is_reserved, was_deleted
from app.core.database import Database
from app.core.errors import InvalidRequestError, problems_of
from app.core.logs import logger

HANDLED = ("user.created", "user.updated", "user.deleted")
log = logger(__name__)


async def receive(database: Database, secret: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Checks and applies one delivery. Raises WebhookSignatureError, and InvalidRequestError for a signed
    event without the documented shape."""
    sent_at = verified(secret, body, headers)
    try:
        event = ProviderEvent.model_validate_json(body)
        if event.type not in HANDLED:
            log.info("webhook passed over", type=event.type)
            return
        person = ProviderUser.model_validate(event.data)
    except ValidationError as error:
        raise InvalidRequestError(**problems_of(error.errors(include_input=False))) from None
    known = event.timestamp if event.timestamp is not None else person.updated_at
    at = sent_at if known is None else datetime.fromtimestamp(known / 1000, UTC)
    async with database.transaction() as session:
        applied = await apply(session, event.type, person, at)
    log.info("webhook received", type=event.type, applied=applied)


def verified(secret: str, body: bytes, headers: Mapping[str, str]) -> datetime:
    """When the delivery was signed, at most five minutes from now. Raises WebhookSignatureError."""
    prefix = "svix" if "svix-id" in headers else "webhook"
    signed = {
        f"webhook-{part}": headers.get(f"{prefix}-{part}", "") for part in ("id", "timestamp", "signature")
    }
    try:
        Webhook(secret).verify(body, signed, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        log.warning("webhook refused", reason=type(error).__name__)
        raise WebhookSignatureError from None
    return datetime.fromtimestamp(float(signed["webhook-timestamp"]), UTC)


async def apply(session: AsyncSession, kind: str, person: ProviderUser, at: datetime) -> bool:
    """Stores what happened to the person at that time; False where something newer is known."""
    if is_reserved(person.id) or await was_deleted(session, person.id):
        return False
    if kind == "user.deleted":
        await session.execute(insert(DeletedUser).values(clerk_user_id=person.id, deleted_at=at))
        await session.execute(delete(User).where(User.clerk_user_id == person.id))
        return True
    values = {
        "email": email_of(person.email),
        "disabled_at": at if person.banned else None,
        "provider_at": at,
    }
    newer = (User.provider_at < at) | User.provider_at.is_(None)
    stored = (
        insert(User)
        .values(clerk_user_id=person.id, **values)
        .on_conflict_do_update(
            index_elements=[User.clerk_user_id], set_=values | {"updated_at": func.now()}, where=newer
        )
        .returning(User.id)
    )
    return await session.scalar(stored) is not None
