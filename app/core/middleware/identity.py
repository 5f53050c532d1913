"""Whose request this is: the bearer token, checked once and without the database."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.auth.users import Identity
from app.core.context import Context
from app.core.errors import AppError, InvalidTokenError

SCHEME = "bearer "


class IdentityMiddleware:
    """Sets state ``identity`` and ``token_error``. Refuses nobody: routes without a user stay open to all."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``token_error`` is for the route to raise where it needs a user."""
        if scope["type"] == "http":
            sent = [value for name, value in scope["headers"] if name == b"authorization"]
            identity, error = await self._read(sent)
            scope.setdefault("state", {}).update(identity=identity, token_error=error)
        await self._app(scope, receive, send)

    async def _read(self, sent: list[bytes]) -> tuple[Identity | None, AppError | None]:
        if not sent:
            return None, None
        header = sent[0].decode("latin-1")
        if len(sent) > 1 or header[: len(SCHEME)].lower() != SCHEME:
            return None, InvalidTokenError()
        try:
            identity = await self._context.authenticator.identify(header[len(SCHEME) :].strip())
        except AppError as error:
            return None, error
        return identity, None if identity else InvalidTokenError()
