"""What nobody foresaw: crashes in routes and middleware, half-sent answers, clients that leave."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.responses import StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core import logs
from app.core.context import Context
from app.core.errors import ConflictError, ErrorBody
from app.main import create_app
from tests.app.monitoring.asgi import head, put

pytestmark = pytest.mark.integration
ORIGIN = "https://app.example.org"
JSON = (b"content-type", b"application/json")


class Faulty:
    """A middleware that raises where a header asks for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises an error with a code, or one without."""
        asked = dict(scope.get("headers", ())).get(b"x-fault")
        if asked == b"known":
            raise ConflictError
        if asked == b"unknown":
            raise RuntimeError("postgresql://user:hunter22hunter22@db/ledger")
        await self._app(scope, receive, send)
        if asked == b"late":
            raise ConflictError


@pytest.fixture
def faulty(context: Context) -> FastAPI:
    """An application with routes and a middleware that fail, for one origin."""
    context.settings = context.settings.model_copy(update={"allowed_origins": (ORIGIN,)})
    app = create_app(context)
    app.add_middleware(Faulty)
    app.user_middleware.append(app.user_middleware.pop(0))  # the innermost

    @app.get("/fails")
    async def fails() -> None:
        raise RuntimeError("broken")

    @app.get("/half")
    async def half() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("the plug was pulled")

        return StreamingResponse(parts())

    @app.post("/reads")
    async def reads(request: Request) -> int:
        return len(await request.body())

    return app


@pytest.fixture
async def browser(faulty: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client that names an allowed origin."""
    transport = httpx.ASGITransport(faulty)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://service", headers={"Origin": ORIGIN}
    ) as client:
        yield client


def said(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


async def test_a_browser_may_read_the_answer_to_a_crash(browser: httpx.AsyncClient) -> None:
    response = await browser.get("/fails")
    assert (response.status_code, response.json()["error_code"]) == (500, "ERR_1000")
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert response.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("fault", "status", "code"), [("known", 409, "ERR_1003"), ("unknown", 500, "ERR_1000")]
)
async def test_what_middleware_raises_has_the_same_body(
    browser: httpx.AsyncClient, fault: str, status: int, code: str
) -> None:
    response = await browser.get("/health", headers={"X-Fault": fault})
    body = ErrorBody.model_validate(response.json())
    assert (response.status_code, body.error_code) == (status, code)
    assert response.headers["traceparent"].split("-")[1] == body.trace_id
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "hunter" not in response.text


@pytest.mark.parametrize(
    ("path", "fault", "code"), [("/half", b"", "ERR_1000"), ("/liveness", b"late", "ERR_1003")]
)
async def test_a_head_that_is_out_is_not_answered_twice_and_the_error_is_kept(
    faulty: FastAPI, context: Context, path: str, fault: bytes, code: str
) -> None:
    sent: list[Message] = []
    with pytest.raises(BaseException, match=r"plug|contradicts|unhandled"):
        await put(faulty, "GET", path, [(b"x-fault", fault)], sent=sent)
    assert [message["type"] for message in sent].count("http.response.start") == 1
    assert context.metrics.registry.get_sample_value("errors_total", {"error_code": code}) == 1


@pytest.mark.parametrize("path", ["/reads", "/categories"])
async def test_a_client_that_leaves_while_it_sends_is_no_error(
    faulty: FastAPI, context: Context, capsys: pytest.CaptureFixture[str], path: str
) -> None:
    logs.configure("DEBUG")
    headers = [JSON, (b"authorization", b"Bearer user:alice"), (b"content-length", b"100")]
    part = {"type": "http.request", "body": b'{"name"', "more_body": True}
    await put(faulty, "POST", path, headers, [part, {"type": "http.disconnect"}])
    lines = said(capsys)
    (request,) = [line for line in lines if line["event"] == "request"]
    assert request["status"] == 499
    assert "error_code" not in request
    assert not [line for line in lines if "exception" in line or line["level"] in {"warning", "error"}]
    counted = context.metrics.registry.get_sample_value
    labels = {"method": "POST", "endpoint": path, "status": "499"}
    assert counted("api_requests_total", labels) == 1


HARMFUL = [
    b"a" * 129,
    b"two words",
    b"new\r\nSet-Cookie: x=1",
    b"new\nline",
    b"nul\x00",
    b"",
    "한글".encode(),
    b"\xff\xfe",
    b"<script>",
    b'","level":"error',
]


@pytest.mark.parametrize("given", HARMFUL)
async def test_a_request_id_that_could_harm_is_replaced_by_the_trace_id(
    service: FastAPI, capsys: pytest.CaptureFixture[str], given: bytes
) -> None:
    logs.configure("INFO")
    headers = [(b"x-request-id", given), (b"traceparent", given)]
    status, answered = head(await put(service, "GET", "/nothing", headers))
    trace = answered["traceparent"].split("-")[1]
    assert (status, answered["x-request-id"]) == (404, trace)
    assert len(trace) == 32
    out = capsys.readouterr().out
    (line,) = [json.loads(line) for line in out.splitlines() if '"event": "request"' in line]
    assert (line["request_id"], line["trace_id"]) == (trace, trace)
    assert not given or given.decode("latin-1") not in out


async def test_a_method_that_nobody_knows_is_neither_logged_nor_stored_as_it_is(
    service: FastAPI, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    status, _ = head(await put(service, "BREW\n", "/categories"))
    assert status == 405
    assert '"method": "other"' in capsys.readouterr().out


async def test_a_well_formed_request_id_is_kept_beside_the_trace(service: FastAPI) -> None:
    parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    headers = [(b"x-request-id", b"Order-17_a.b"), (b"traceparent", parent)]
    for path in ("/liveness", "/nothing", "/categories"):
        _, answered = head(await put(service, "GET", path, headers))
        assert answered["x-request-id"] == "Order-17_a.b"
        version, trace, span, flags = answered["traceparent"].split("-")
        assert (version, trace, flags) == ("00", "4bf92f3577b34da6a3ce929d0e0e4736", "01")
        assert span != "00f067aa0ba902b7"


async def test_what_is_no_request_passes_through(service: FastAPI) -> None:
    """The lifespan has neither ids nor a line."""
    said: list[Message] = []
    incoming: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return incoming.pop(0)

    async def send(message: Message) -> None:
        said.append(message)

    await service({"type": "lifespan", "state": {}}, receive, send)
    assert [message["type"] for message in said] == [
        "lifespan.startup.complete",
        "lifespan.shutdown.complete",
    ]
