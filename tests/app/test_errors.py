"""The one error body: its shape, its codes, its trace id, and that it tells nothing of the inside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.types import Message

from app import contract
from app.core import logs
from app.core.context import Context
from app.core.errors import ErrorBody, constraint_of, field_path
from app.main import create_app

pytestmark = pytest.mark.integration
ClientFor = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def faulty(service: FastAPI) -> FastAPI:
    """Routes that fail in ways no other route does."""

    @service.get("/fails")
    async def fails() -> None:
        raise RuntimeError("postgresql://user:hunter22hunter22@db/ledger")

    @service.get("/teapot/{status}")
    async def teapot(status: int) -> None:
        raise HTTPException(status, "no coffee")

    return service


async def test_every_error_has_the_documented_body(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.get("/nothing", headers={"X-Request-ID": "abc-1"})
    body = ErrorBody.model_validate(response.json())
    assert set(response.json()) == {"error", "error_code", "message", "details", "trace_id", "timestamp"}
    assert (body.error, body.error_code, body.message, body.trace_id) == (
        True,
        "ERR_1002",
        "Not Found",
        "abc-1",
    )
    assert abs((datetime.now(UTC) - body.timestamp).total_seconds()) < 5


async def test_a_crash_tells_a_trace_id_and_nothing_else(
    faulty: FastAPI, anonymous: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("INFO")
    response = await anonymous.get("/fails")
    assert (response.status_code, response.json()["error_code"]) == (500, "ERR_1000")
    assert response.headers["x-request-id"] == response.json()["trace_id"]
    assert "hunter" not in response.text
    assert "RuntimeError" not in response.text
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (failure,) = [line for line in lines if line["level"] == "error"]
    assert (failure["request_id"], failure["route"]) == (response.json()["trace_id"], "/fails")
    assert "RuntimeError: postgresql://user:***@db/ledger" in failure["exception"]


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "ERR_1002"), (413, "ERR_1005"), (418, "ERR_1006"), (502, "ERR_1000"), (503, "ERR_1200")],
)
async def test_an_http_exception_has_the_body_too(
    faulty: FastAPI, anonymous: httpx.AsyncClient, status: int, code: str
) -> None:
    body = (await anonymous.get(f"/teapot/{status}")).json()
    assert (body["error_code"], body["message"]) == (code, "no coffee")


async def test_a_wrong_method_is_405_and_names_the_right_ones(anonymous: httpx.AsyncClient) -> None:
    response = await anonymous.post("/health")
    assert (response.status_code, response.json()["error_code"]) == (405, "ERR_1004")
    assert response.headers["allow"] == "GET"


@pytest.mark.parametrize("given", ["a" * 129, "two words", "new\tline", "", "ümlaut"])
async def test_a_request_id_that_could_harm_a_log_is_replaced(
    anonymous: httpx.AsyncClient, given: str
) -> None:
    response = await anonymous.get("/liveness", headers=[(b"X-Request-ID", given.encode())])
    assert len(response.headers["x-request-id"]) == 32


async def test_without_a_token_the_answer_is_401(anonymous: httpx.AsyncClient, service: FastAPI) -> None:
    paths = service.openapi()["paths"]
    guarded = [(m, p) for p, methods in paths.items() for m in methods if "security" in methods[m]]
    assert len(guarded) >= 15
    for method, path in guarded:
        address = path.format(transaction_id=0, category_id=0, year=2026, month=1, day="2026-01-01")
        response = await anonymous.request(method, address)
        assert (response.status_code, response.json()["error_code"]) == (401, "ERR_1100"), path
        assert response.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize(
    "header", ["Bearer wrong", "Bearer", "Basic dXNlcjpwYXNz", "bearer  ", "Bearer 토큰"]
)
async def test_a_wrong_token_is_401(anonymous: httpx.AsyncClient, header: str) -> None:
    response = await anonymous.get("/categories", headers=[(b"Authorization", header.encode())])
    assert (response.status_code, response.json()["error_code"]) == (401, "ERR_1101")
    assert response.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_a_user_seen_by_many_requests_at_once_is_made_once(alice: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(alice.get("/categories") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_broken_constraint_is_a_conflict(
    alice: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.ledger import service

    async def unseen(*_arguments: object, **_named: object) -> None:
        """As if another replica had added the twin after the check."""

    monkeypatch.setattr(service, "_refuse_twin", unseen)
    pet = {"name": "반려동물", "emoji": "🐈"}
    codes = [(await alice.post("/categories", json=pet)).status_code for _ in range(2)]
    assert codes == [201, 409]


async def test_a_head_that_is_out_is_not_answered_twice(context: Context) -> None:
    app = create_app(context)

    @app.get("/half")
    async def half() -> Any:
        from starlette.responses import StreamingResponse

        async def parts() -> Any:
            yield b"half"
            raise RuntimeError("the plug was pulled")

        return StreamingResponse(parts())

    sent: list[Message] = []
    incoming: list[Message] = [{"type": "http.request"}]

    async def receive() -> Message:
        if not incoming:
            await asyncio.Event().wait()  # the client stays
        return incoming.pop()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/half",
        "headers": [],
        "query_string": b"",
        "root_path": "",
    }
    with pytest.raises(BaseException, match=r"plug|unhandled"):
        await app(scope, receive, send)
    assert [message["type"] for message in sent].count("http.response.start") == 1


async def test_origins_are_strict(context: Context) -> None:
    origin = "https://app.example.org"
    context.settings = context.settings.model_copy(update={"allowed_origins": (origin,)})
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "Authorization"}
        ours = await client.options("/categories", headers={"Origin": origin} | asked)
        theirs = await client.options("/categories", headers={"Origin": "https://evil.example"} | asked)
    assert ours.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in theirs.headers
    assert "access-control-allow-credentials" not in ours.headers


@pytest.mark.unit
def test_the_path_of_a_field_reads_like_code() -> None:
    assert field_path(("body", "transactions", 3, "amount")) == "body.transactions[3].amount"
    assert constraint_of(ValueError()) == ""


async def test_the_openapi_document_lists_the_errors_of_every_route(service: FastAPI) -> None:
    document = service.openapi()
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation["tags"], path
            for status, response in operation["responses"].items():
                if int(status) >= 400 and path not in {"/health", "/readiness"}:
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorBody"}, (method, path, status)
    assert {status for status, _ in contract.ERROR_CODES.values()} >= {401, 404, 409, 413, 422, 500, 503}
