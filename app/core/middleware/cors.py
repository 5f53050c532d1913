"""Cross-origin requests: exact origins, and not a word about CORS to any other."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.rate_limit import HEADERS as RATE_HEADERS

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = ("Authorization", "Content-Type", "If-Match", "X-Request-ID", "traceparent", "tracestate")
ANSWER_HEADERS = (
    "ETag",
    "Location",
    "Retry-After",
    "X-Request-ID",
    "traceparent",
    *(name.decode() for window in RATE_HEADERS for name in window),
)


class StrictCors(CORSMiddleware):
    """Starlette's, except that a request from an origin that is not allowed is treated as one without any."""

    def __init__(self, app: ASGIApp, origins: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=METHODS,
            allow_headers=REQUEST_HEADERS,
            expose_headers=ANSWER_HEADERS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing behind this reads Origin; ``Vary: Origin`` is set in any case."""
        if scope["type"] == "http" and Headers(scope=scope).get("origin", "") not in self.allow_origins:
            scope["headers"] = [(name, value) for name, value in scope["headers"] if name != b"origin"]
        await super().__call__(scope, receive, send)
