"""uvicorn's HTTP protocol with bounds: how large a head may be, how long it may take, how long a client may
leave an answer unread; and a request that cannot be read is answered as any other (C1)."""

from __future__ import annotations

import asyncio
from typing import Any, cast

from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from app.core.errors import error_response
from app.core.logs import logger
from app.core.metrics import OTHER
from app.core.middleware.headers import secure
from app.core.monitoring.trace import trace_of

HEAD_BYTES = 65_536  # of the request line and all headers; proxies send at most half of it
HEAD_SECONDS = 10.0  # from the connection, or from the head's first byte on one that is kept
STALLED_SECONDS = 30.0  # in which a client must take something of an answer that waits for it
SIGNS = 4  # bytes of a header line beside its name and value
TOO_LARGE = f"The head of the request is larger than {HEAD_BYTES} bytes"
TOO_LATE = "The head of the request did not arrive within {:g} seconds"
log = logger(__name__)


class BoundedProtocol(HttpToolsProtocol):
    """One connection. Between an answer and the next request uvicorn's own keep-alive time rules."""

    _awaiting = True  # a head, and not a body
    _begun = False  # the head has its first byte
    _received = 0  # bytes of it, where no body shared a segment with them
    _ended = False  # a request ended within this segment
    _refusal: tuple[str, str] | None = None
    _head_timer: asyncio.TimerHandle | None = None
    _stalled_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A new connection must send a head soon."""
        super().connection_made(transport)
        self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing of ours outlives the connection."""
        self._head_arrived()
        self.resume_writing()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """One segment, which may hold the end of one request and the beginning of another."""
        if self.transport.is_closing():
            return
        self._ended = False
        super().data_received(data)
        if not self._awaiting or self.transport.is_closing():
            return
        if not self._ended:
            self._received += len(data)
        if self._received > HEAD_BYTES:
            self._refuse("ERR_1006", TOO_LARGE)
        elif self._begun or self._received:
            self._expect_head()

    def on_message_begin(self) -> None:
        """The head's first byte."""
        self._begun = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The whole head is there, perhaps with the body. What is raised here is refused by uvicorn."""
        self._awaiting, self._begun, self._received = False, False, 0
        self._head_arrived()
        size = len(self.url) + sum(len(name) + len(value) + SIGNS for name, value in self.headers)
        if size > HEAD_BYTES:
            self._refusal = ("ERR_1006", TOO_LARGE)
            raise ValueError(self._refusal[1])
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The whole request is there; what follows is the next head."""
        self._awaiting = self._ended = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next head may have begun to arrive meanwhile."""
        super().on_response_complete()
        if self._awaiting and (self._begun or self._received):
            self._expect_head()

    def pause_writing(self) -> None:
        """The client does not read as fast as we write."""
        super().pause_writing()
        self._watch_reader()

    def resume_writing(self) -> None:
        """It has taken most of it."""
        super().resume_writing()
        if self._stalled_timer is not None:
            self._stalled_timer.cancel()
            self._stalled_timer = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (uvicorn's signature)
        """uvicorn's answer to what is no HTTP. An answer under way to a whole request ends first; and nothing
        else is read."""
        if self._answering() and (self.cycle.response_started or not self.cycle.more_body):
            self.cycle.keep_alive = False
            self.flow.pause_reading()
            return
        self._refuse(*(self._refusal or ("ERR_1006", "The request cannot be read")))

    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _expect_head(self) -> None:
        if self._head_timer is None and not self.transport.is_closing():
            self._head_timer = self.loop.call_later(HEAD_SECONDS, self._head_late)

    def _head_arrived(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _head_late(self) -> None:
        """While an answer is under way the next head has time until it ends."""
        self._head_timer = None
        if self._answering():
            return
        if self._begun or self._received:
            self._refuse("ERR_1007", TOO_LATE.format(HEAD_SECONDS))
        else:
            self.transport.close()

    def _watch_reader(self) -> None:
        size = self.transport.get_write_buffer_size()
        self._stalled_timer = self.loop.call_later(STALLED_SECONDS, self._reader_late, size)

    def _reader_late(self, before: int) -> None:
        if self.transport.get_write_buffer_size() < before:
            self._watch_reader()
            return
        self._stalled_timer = None
        log.info("answer not read", seconds=STALLED_SECONDS)
        self.transport.abort()

    def _refuse(self, code: str, message: str) -> None:
        self._head_arrived()
        self.transport.write(refusal(cast(FastAPI, self.config.app), code, message))
        self.transport.close()


def refusal(app: FastAPI, code: str, message: str) -> bytes:
    """The whole answer to a request that never reached the application; counted and logged as the others, and
    no event, since anybody may cause it without end."""
    trace = trace_of([])
    state = {"trace_id": trace.trace_id, "request_id": trace.trace_id}
    scope: dict[str, Any] = {"type": "http", "app": app, "state": state, "path": "", "headers": []}
    ids = {"X-Request-ID": trace.trace_id, "traceparent": trace.traceparent, "Connection": "close"}
    response = error_response(scope, code, message, headers=ids, recorded=False)
    secure(scope, MutableHeaders(raw=response.raw_headers))
    app.state.metrics.request(OTHER, None, response.status_code, 0.0)
    log.info("request refused", method=OTHER, route=None, status=response.status_code, **state)
    lines = b"".join(b"%s: %s\r\n" % header for header in response.raw_headers)
    return STATUS_LINE[response.status_code] + lines + b"\r\n" + bytes(response.body)
