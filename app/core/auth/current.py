"""Who asks: one dependency, ``current_user``, in front of whatever checks the token."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core.auth.users import Identity, User, ensure_user
from app.core.context import Context, context_of
from app.core.errors import InvalidTokenError, UnauthenticatedError
from app.settings import Settings

DEVELOPER = Identity("dev", "dev@localhost")
bearer = HTTPBearer(auto_error=False, description="DEV_TOKEN, in development only")


class DevelopmentToken:
    """Accepts DEV_TOKEN as the developer; without one accepts nothing. Settings refuse it in production."""

    def __init__(self, settings: Settings) -> None:
        self._token = settings.dev_token.get_secret_value().encode()

    async def identify(self, token: str) -> Identity | None:
        """Compares in constant time."""
        same = bool(self._token) and secrets.compare_digest(token.encode(), self._token)
        return DEVELOPER if same else None


async def current_user(
    request: Request,
    context: Annotated[Context, Depends(context_of)],
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
) -> User:
    """The user of the bearer token. Raises UnauthenticatedError, InvalidTokenError or DatabaseAwayError."""
    if "authorization" not in request.headers:
        raise UnauthenticatedError
    identity = await context.authenticator.identify(credentials.credentials) if credentials else None
    if identity is None:
        raise InvalidTokenError
    async with context.database.transaction() as session:
        return await ensure_user(session, identity)


CurrentUser = Annotated[User, Depends(current_user)]
