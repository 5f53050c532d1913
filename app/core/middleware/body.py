"""The size of a request's body."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import error_response

MAX_BODY = 1_000_000  # bytes


class BodyLimitMiddleware:
    """Refuses bodies above the limit: by Content-Length at once, else as soon as they grow too large."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int]) -> None:
        self._app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``limits`` gives bytes by path; other paths have MAX_BODY."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits.get(scope["path"], MAX_BODY)
        message = f"The body is larger than {limit} bytes"
        length = Headers(scope=scope).get("content-length", "")
        if length.isdecimal() and int(length) > limit:
            await error_response(scope, "ERR_1005", message, {"limit": limit})(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            part = await receive()
            received += len(part.get("body", b""))
            if received > limit:
                raise HTTPException(413, message)
            return part

        await self._app(scope, counted, send)
