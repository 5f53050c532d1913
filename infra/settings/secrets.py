"""Section ``secrets``: names only. Values stand encrypted in the stack file and become Pulumi outputs."""

from __future__ import annotations

from enum import StrEnum

from infra.settings.service import Mode

MIN_CHARS = 32  # long enough that the short hash in an object's name can never be searched


class SecretName(StrEnum):
    """Which secrets does a stack hold?"""

    POSTGRES_OWNER_PASSWORD = "postgresOwnerPassword"  # noqa: S105  a key, not a value
    POSTGRES_SERVICE_PASSWORD = "postgresServicePassword"  # noqa: S105
    REDIS_PASSWORD = "redisPassword"  # noqa: S105
    SECRET_KEY = "secretKey"  # noqa: S105
    DEV_TOKEN = "devToken"  # noqa: S105


def required(mode: Mode) -> frozenset[SecretName]:
    """The development token exists in development only, every other secret everywhere."""
    always = frozenset(SecretName) - {SecretName.DEV_TOKEN}
    return always | {SecretName.DEV_TOKEN} if mode is Mode.DEVELOPMENT else always
