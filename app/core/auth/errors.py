"""What identity and network access refuse, and with which code."""

from __future__ import annotations

from typing import ClassVar

from app.core.errors import AppError


class InsufficientPermissionsError(AppError):
    """The role does not allow this; ``details`` name the one that is needed."""

    code = "ERR_1102"
    message = "insufficient_permissions: the role does not allow this"


class AddressRefusedError(AppError):
    """IP_ALLOW_LIST does not hold the client's address."""

    code = "ERR_1103"
    message = "Requests from this address are not allowed"


class WrongPasswordError(AppError):
    """No such account, a disabled one or another password: which is not told."""

    code = "ERR_1104"
    message = "User name or password is wrong"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Bearer"}


class WebhookSignatureError(AppError):
    """The webhook was not signed with our secret, or more than five minutes ago."""

    code = "ERR_1105"
    message = "The webhook's signature is not valid"
    headers: ClassVar[dict[str, str]] = {"WWW-Authenticate": "Signature"}


class KeysAwayError(AppError):
    """The identity provider's keys were never fetched and cannot be now."""

    code = "ERR_1106"
    message = "The token cannot be checked now; try again shortly"
    headers: ClassVar[dict[str, str]] = {"Retry-After": "5"}
