"""Every request: its ids, its log line, its metrics, and the last resort for exceptions."""

from __future__ import annotations

import re
import time
import uuid

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import contract
from app.core.context import Context
from app.core.errors import unknown_response
from app.core.logs import logger
from app.core.middleware.headers import secure

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
PROBES = {contract.HEALTH_PATH, contract.READINESS_PATH, contract.LIVENESS_PATH, contract.METRICS_PATH}
SERVER_ERROR = 500
log = logger("app.request")


class RequestMiddleware:
    """Gives every request an id, a log line and its metrics, and answers exceptions nobody else did."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes anything but HTTP through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._context)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=exchange.request_id)
        try:
            await self._app(scope, receive, exchange.send)
        except Exception:
            log.exception("unhandled exception", method=scope["method"], route=exchange.route)
            if (
                exchange.status
            ):  # the head is out: only cutting the connection can say that the rest is missing
                raise
            await unknown_response(scope)(scope, receive, exchange.send)
        finally:
            exchange.finish()


class _Exchange:
    """One request and what is known of its answer. ``status`` is 0 until the head was sent."""

    def __init__(self, scope: Scope, send: Send, context: Context) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        self.request_id = given if REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        self.status = 0
        self._scope = scope
        self._send = send
        self._context = context
        self._begun = time.perf_counter()
        scope.setdefault("state", {})["request_id"] = self.request_id

    @property
    def route(self) -> str | None:
        """The route's template: what people ask for stays out of labels and logs."""
        path = getattr(self._scope.get("route"), "path", None)
        return str(path) if path else None

    async def send(self, message: Message) -> None:
        """Adds the request id; while draining also tells the client to leave this connection."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self.request_id
            secure(self._scope, headers)
            if self._context.draining:
                headers["Connection"] = "close"
        await self._send(message)

    def finish(self) -> None:
        """Counts and logs; probes only when they fail, since they come every few seconds."""
        seconds = time.perf_counter() - self._begun
        method, status = self._scope["method"], self.status or 499
        self._context.metrics.request(method, self.route, status, seconds)
        write = log.debug if self.route in PROBES and status < SERVER_ERROR else log.info
        write("request", method=method, route=self.route, status=status, ms=round(seconds * 1000, 2))
