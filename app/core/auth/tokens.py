"""Bearer tokens: RS256 of the identity provider, HS256 of the own login, DEV_TOKEN in development.

The issuer a token claims chooses key and algorithm together, so no token can pair one's key with the other's
algorithm (RFC 8725 §3.1). Why a token is refused is logged in a word and never told.
"""

from __future__ import annotations

import re
import secrets
import time
from typing import Any, Final

import jwt
from jwt.exceptions import InvalidSubjectError

from app import contract
from app.core.auth.jwks import ALGORITHM, KeySet, Watch
from app.core.auth.users import CHECKS_PREFIX, DEVELOPER_ID, Identity, Role, email_of, is_reserved
from app.core.logs import logger
from app.settings import Settings

LOGIN_ISSUER: Final = contract.SERVICE
LOGIN_ALGORITHM: Final = "HS256"
MAX_TOKEN = 8192  # characters; a provider's token has about one thousand
DEVELOPER = Identity(DEVELOPER_ID, "dev@localhost", Role.ADMIN)
REQUIRED = ["iss", "aud", "sub", "exp", "iat"]
SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")  # OpenID Connect Core 1.0 §2: at most 255 ASCII characters
log = logger(__name__)


class OversizeError(jwt.DecodeError):
    """More characters than MAX_TOKEN; not even read."""


class TokenVerifier:
    """Knows all three kinds of tokens; which of them count is a matter of the settings."""

    def __init__(self, settings: Settings, watch: Watch | None = None) -> None:
        self._settings = settings
        self._development = settings.dev_token.get_secret_value().encode()
        self._keys = KeySet(settings.jwt_jwks_url, settings.jwt_jwks_seconds, watch=watch)

    async def identify(self, token: str) -> Identity | None:
        """Who the token speaks for, None where it is not valid. Raises KeysAwayError."""
        if self._development and secrets.compare_digest(token.encode(), self._development):
            return DEVELOPER
        try:
            return await self._verified(token)
        except (jwt.PyJWTError, ValueError) as error:
            log.info("bearer value refused", reason=type(error).__name__)
            return None

    async def _verified(self, token: str) -> Identity:
        if len(token) > MAX_TOKEN:
            raise OversizeError
        claimed = jwt.decode_complete(token, options={"verify_signature": False})
        issuer = claimed["payload"].get("iss")
        if issuer == LOGIN_ISSUER:
            return self._own(token)
        if self._settings.jwt_issuer and issuer == self._settings.jwt_issuer:
            return await self._provider(token, claimed["header"].get("kid"))
        raise jwt.InvalidIssuerError

    def _own(self, token: str) -> Identity:
        key = self._settings.secret_key.get_secret_value()
        claims = self._decode(token, key, LOGIN_ALGORITHM, LOGIN_ISSUER, LOGIN_ISSUER)
        identity = Identity(claims["sub"], email_of(claims.get("email")), role_of(claims, "role"))
        if not identity.local:
            raise InvalidSubjectError
        return identity

    async def _provider(self, token: str, kid: str | None) -> Identity:
        settings = self._settings
        key = await self._keys.key(kid) if kid else None
        if key is None:
            raise jwt.InvalidKeyError
        claims = self._decode(token, key, ALGORITHM, settings.jwt_issuer, settings.jwt_audience)
        if is_reserved(claims["sub"]) or not SUBJECT.fullmatch(claims["sub"]):
            raise InvalidSubjectError
        return Identity(
            claims["sub"], email_of(claims.get("email")), role_of(claims, settings.jwt_role_claim)
        )

    def _decode(self, token: str, key: Any, algorithm: str, issuer: str, audience: str) -> dict[str, Any]:
        return jwt.decode(
            token,
            key,
            algorithms=[algorithm],
            issuer=issuer,
            audience=audience,
            leeway=self._settings.jwt_leeway_seconds,
            options={"require": REQUIRED},
        )


def login_token(settings: Settings, identity: Identity) -> str:
    """A signed token for a local account, good for LOGIN_TOKEN_SECONDS."""
    now = int(time.time())
    claims = {
        "iss": LOGIN_ISSUER,
        "aud": LOGIN_ISSUER,
        "sub": identity.clerk_user_id,
        "role": identity.role.value,
        "iat": now,
        "exp": now + settings.login_token_seconds,
    }
    return jwt.encode(claims, settings.secret_key.get_secret_value(), LOGIN_ALGORITHM)


def checks_token(settings: Settings) -> str:
    """A signed token for checks that were never seen before, so that their rate limit is unused. It needs
    nothing but SECRET_KEY."""
    return login_token(settings, Identity(f"{CHECKS_PREFIX}{secrets.token_hex(8)}", ""))


def role_of(claims: dict[str, Any], path: str) -> Role:
    """The role under the claim of this very name, else under the dotted path; anything unknown is a user."""
    value: Any = claims.get(path)
    if value is None:
        value = claims
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
    return Role.ADMIN if value == Role.ADMIN.value else Role.USER
