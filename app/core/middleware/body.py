"""How large a request's body may be, and how long it may take to arrive."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.errors import error_response
from app.core.logs import logger

MAX_BODY = 1_000_000  # bytes
MOST_DIGITS = 15  # of a Content-Length; a longer one is larger than every limit
# A client that still sends may see a reset instead of the answer if we hang up at once (RFC 9112 §9.6).
LINGER_SECONDS = 1.0
LINGER_BYTES = 10_000_000
CLOSE = {"Connection": "close"}  # what is left of the body must not be taken for the next request
log = logger(__name__)


class BodyLimitMiddleware:
    """Refuses bodies above the limit, by Content-Length at once, else as soon as they grow too large, and
    bodies that are not whole ``seconds`` after they were first waited for. Nothing is kept in memory here."""

    def __init__(self, app: ASGIApp, limits: Mapping[str, int], seconds: float) -> None:
        self._app = app
        self._limits = limits
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """``limits`` gives bytes by path; other paths have MAX_BODY."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits.get(scope["path"], MAX_BODY)
        body = _Body(receive, send, limit, self._seconds)
        if is_above(Headers(scope=scope).get("content-length", ""), limit):
            body.refused = True
            answer = error_response(scope, "ERR_1005", too_large(limit), {"limit": limit}, CLOSE)
            await answer(scope, receive, body.send)
            return
        await self._app(scope, body.receive, body.send)


class _Body:
    """One request's body. HTTPException is what FastAPI passes on where reading a body fails."""

    def __init__(self, receive: Receive, send: Send, limit: int, seconds: float) -> None:
        self.refused = False  # as too large: the client may still be sending
        self._receive = receive
        self._send = send
        self._limit = limit
        self._seconds = seconds
        self._received = 0
        self._whole = False
        self._deadline = 0.0

    async def receive(self) -> Message:
        """The next part. Raises HTTPException 413 or 408; after the last part waits as long as it takes."""
        if self._whole:
            return await self._receive()
        self._deadline = self._deadline or asyncio.get_running_loop().time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                part = await self._receive()
        except TimeoutError:
            message = f"The body did not arrive within {self._seconds:g} seconds"
            raise HTTPException(408, message, CLOSE) from None
        self._whole = not part.get("more_body", False)
        self._received += len(part.get("body", b""))
        if self._received > self._limit:
            self.refused = True
            raise HTTPException(413, too_large(self._limit), CLOSE)
        return part

    async def send(self, message: Message) -> None:
        """Passes the answer on; the end of a refusal only when the client has had time to read it."""
        if self.refused and message["type"] == "http.response.body" and not message.get("more_body", False):
            await self._send({**message, "more_body": True})
            await self._linger()
            message = {"type": "http.response.body", "body": b"", "more_body": False}
        await self._send(message)

    async def _linger(self) -> None:
        """Takes and drops what the client still sends, within LINGER_SECONDS and LINGER_BYTES."""
        left = LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while not self._whole and left > 0:
                    part = await self._receive()
                    self._whole = not part.get("more_body", False)
                    left -= len(part.get("body", b""))
        except TimeoutError:
            log.debug("client still sends", seconds=LINGER_SECONDS)


def is_above(length: str, limit: int) -> bool:
    """Whether a Content-Length says more than the limit; one that is no number says nothing."""
    digits = length if length.isascii() and length.isdecimal() else "0"
    return len(digits) > MOST_DIGITS or int(digits) > limit


def too_large(limit: int) -> str:
    """The message of ERR_1005."""
    return f"The body is larger than {limit} bytes"
