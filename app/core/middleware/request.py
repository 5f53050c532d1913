"""Every request: its ids, its log line, its metrics; and the last resort for exceptions nobody answered."""

from __future__ import annotations

import re
import time
from contextlib import nullcontext

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app import contract
from app.core.context import Context
from app.core.errors import CLIENT_GONE, SERVER_ERROR, AppError, answer, unknown_response
from app.core.logs import logger
from app.core.metrics import METHODS, OTHER
from app.core.middleware.headers import secure
from app.core.monitoring.trace import trace_of

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
log = logger("app.request")


class RequestMiddleware:
    """The outermost: gives every request its ids, a log line and its metrics."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app = app
        self._context = context

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes anything but HTTP through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send, self._context)
        with self._context.metrics.in_flight(), exchange.span.current() if exchange.span else nullcontext():
            try:
                await self._app(scope, receive, exchange.send)
            finally:
                exchange.finish()


class LastResort:
    """Answers whatever was raised and not answered further in. It stands inside CORS, so that browsers may
    read the answer too, and outside of all middleware that may raise."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises again where the head is out: only cutting the connection can say that the rest is missing.
        A client that left gets no answer and is no error."""
        begun = False

        async def noted(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noted)
        except ClientDisconnect:
            log.debug("client gone", route=route_of(scope))
        except AppError as error:
            response = answer(scope, error)
            if begun:
                raise
            await response(scope, receive, send)
        except Exception as error:
            log.exception("unhandled exception", route=route_of(scope))
            response = unknown_response(scope, error)
            if begun:
                raise
            await response(scope, receive, send)


def route_of(scope: Scope) -> str | None:
    """The route's template: what people ask for stays out of labels and logs."""
    path = getattr(scope.get("route"), "path", None)
    return str(path) if path else None


class _Exchange:
    """One request and what is known of its answer. ``status`` stays CLIENT_GONE until the head was sent."""

    def __init__(self, scope: Scope, send: Send, context: Context) -> None:
        headers = Headers(scope=scope)
        trace = trace_of(headers.getlist("traceparent"))
        tracing = None if scope["path"] in contract.PROBE_PATHS else context.tracing
        self.span = tracing.request(trace) if tracing else None
        self._trace = self.span.trace if self.span else trace
        given = headers.get("x-request-id", "")
        self._request_id = given if REQUEST_ID.fullmatch(given) else self._trace.trace_id
        self._state = scope.setdefault("state", {})
        self._state.update(request_id=self._request_id, trace_id=self._trace.trace_id)
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=self._request_id, trace_id=self._trace.trace_id)
        self.status = CLIENT_GONE
        self._scope = scope
        self._send = send
        self._context = context
        self._begun = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Adds the ids; while draining also tells the client to leave this connection."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = MutableHeaders(scope=message)
            headers["X-Request-ID"] = self._request_id
            headers["traceparent"] = self._trace.traceparent
            secure(self._scope, headers)
            if self._context.draining:
                headers["Connection"] = "close"
        await self._send(message)

    def finish(self) -> None:
        """Counts and logs; probes only when they fail, since they come every few seconds. An exemplar leads
        to a trace that is sent or, of a request without a span, to its log line."""
        seconds = time.perf_counter() - self._begun
        method, route, status = self._scope["method"], route_of(self._scope), self.status
        quiet = route in contract.PROBE_PATHS and status < SERVER_ERROR
        leads = self._trace.sampled if self.span else not quiet
        self._context.metrics.request(method, route, status, seconds, self._trace.trace_id if leads else None)
        if self.span:
            self.span.answered(method, route, status, self._state.get("error_code"))
        write = log.debug if quiet else log.info
        fields = {"error_code": self._state["error_code"]} if "error_code" in self._state else {}
        method = method if method in METHODS else OTHER
        write("request", method=method, route=route, status=status, ms=round(seconds * 1000, 2), **fields)
