"""Who asks: ``CurrentUser`` for anybody with a valid token, ``Admin`` for admins, ``ActingRole`` to tell."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from app.core.auth.errors import InsufficientPermissionsError
from app.core.auth.users import Identity, Role, User, checks_user, ensure_user, find_user
from app.core.context import Context, context_of
from app.core.errors import InvalidTokenError, UnauthenticatedError

IDENTITY_ERRORS = ("ERR_1100", "ERR_1101", "ERR_1106", "ERR_1200", "ERR_1201")  # of a route with CurrentUser
ADMIN_ERRORS = (*IDENTITY_ERRORS, "ERR_1102")  # of a route with Admin
bearer = HTTPBearer(
    auto_error=False,
    description="A token of the identity provider or of POST /api/v1/auth/login; DEV_TOKEN in development",
)


async def current_identity(
    request: Request, _shown: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Identity:
    """What the middleware found; ``bearer`` only puts it into the document. Raises UnauthenticatedError,
    InvalidTokenError or KeysAwayError."""
    identity: Identity | None = request.state.identity
    if identity is None:
        raise request.state.token_error or UnauthenticatedError()
    return identity


async def current_user(
    request: Request,
    identity: Annotated[Identity, Depends(current_identity)],
    context: Annotated[Context, Depends(context_of)],
) -> User:
    """The user of the bearer token, in one statement where it is known. Raises InvalidTokenError too for a
    disabled or deleted account, whose tokens may still run, and for checks that do more than read; and
    DatabaseAwayError."""
    async with context.database.reading() as session:
        user = await find_user(session, identity.clerk_user_id)
    if user is None and identity.checking and request.method == "GET":
        return checks_user(identity)
    if user is None:
        async with context.database.transaction() as session:
            user = await ensure_user(session, identity)
    if user is None or user.disabled_at is not None:
        raise InvalidTokenError
    return user


CurrentUser = Annotated[User, Depends(current_user)]


async def acting_role(user: CurrentUser, identity: Annotated[Identity, Depends(current_identity)]) -> Role:
    """A local account's role as it is stored now; anybody else's as the token says it."""
    return Role(user.role) if identity.local else identity.role


ActingRole = Annotated[Role, Depends(acting_role)]


async def admin_user(user: CurrentUser, role: ActingRole) -> User:
    """The user, who is an admin. Raises InsufficientPermissionsError."""
    if role is not Role.ADMIN:
        raise InsufficientPermissionsError(needed=Role.ADMIN.value)
    return user


Admin = Annotated[User, Depends(admin_user)]
