"""Webhooks as the provider sends them: bodies and signatures."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

PATH = "/auth/webhook"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_SECRET = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
BEGIN = 1_700_000_000_000
SendEvent = Callable[..., Awaitable[httpx.Response]]
Stored = Callable[[], str]


def signed(
    body: bytes,
    *,
    secret: str = WEBHOOK_SECRET,
    prefix: str = "svix",
    message: str = "msg_1",
    at: datetime | None = None,
) -> dict[str, str]:
    """The three headers over this body."""
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign(message, at, body.decode())
    values = {"id": message, "timestamp": str(int(at.timestamp())), "signature": signature}
    return {f"{prefix}-{name}": value for name, value in values.items()}


def event(kind: str, subject: str, at: int | None = BEGIN, **changed: Any) -> bytes:
    """As Clerk sends it."""
    person: dict[str, Any] = {"id": subject, "object": "user"}
    if kind == "user.deleted":
        person["deleted"] = True
    else:
        person |= {
            "email_addresses": [
                {"id": "idn_1", "email_address": "old@example.org", "object": "email_address"},
                {"id": "idn_2", "email_address": "new@example.org", "object": "email_address"},
            ],
            "primary_email_address_id": "idn_2",
            "banned": False,
            "updated_at": at,
        }
    body = {"type": kind, "object": "event", "timestamp": at, "data": person | changed}
    return json.dumps({name: value for name, value in body.items() if value is not None}).encode()
