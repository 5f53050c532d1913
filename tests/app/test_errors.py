"""The one error body: its shape, its codes, its trace id, and that it tells nothing of the inside."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from fastapi import FastAPI
from starlette.exceptions import HTTPException

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
    assert (body.error, body.error_code, body.message) == (True, "ERR_1002", "Not Found")
    assert response.headers["x-request-id"] == "abc-1"
    assert response.headers["traceparent"].split("-")[1] == body.trace_id
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
    [
        (403, "ERR_1102"),
        (404, "ERR_1002"),
        (408, "ERR_1007"),
        (413, "ERR_1005"),
        (418, "ERR_1006"),
        (429, "ERR_1400"),
        (502, "ERR_1000"),
        (503, "ERR_1200"),
    ],
)
async def test_an_http_exception_has_the_body_too(
    faulty: FastAPI, anonymous: httpx.AsyncClient, status: int, code: str
) -> None:
    body = (await anonymous.get(f"/teapot/{status}")).json()
    assert (body["error_code"], body["message"]) == (code, "no coffee")


async def test_a_wrong_method_is_405_and_names_all_the_right_ones(anonymous: httpx.AsyncClient) -> None:
    allowed = {}
    for method, path in (("POST", "/health"), ("PATCH", "/categories"), ("BREW", "/categories/{id}")):
        response = await anonymous.request(method, path)
        assert (response.status_code, response.json()["error_code"]) == (405, "ERR_1004")
        allowed[path] = response.headers["allow"]
    assert allowed == {"/health": "GET", "/categories": "GET, POST", "/categories/{id}": "DELETE, PUT"}


async def test_without_a_token_the_answer_is_401(anonymous: httpx.AsyncClient, service: FastAPI) -> None:
    paths = service.openapi()["paths"]
    guarded = [(m, p) for p, methods in paths.items() for m in methods if "security" in methods[m]]
    assert len(guarded) >= 15
    for method, path in guarded:
        response = await anonymous.request(method, re.sub(r"\{\w+\}", "0", path))
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


async def test_a_field_name_that_has_no_utf_8_is_named_all_the_same(alice: httpx.AsyncClient) -> None:
    json_headers = {"Content-Type": "application/json"}
    response = await alice.post("/categories", content=b'{"\\ud800": 1}', headers=json_headers)
    assert (response.status_code, response.json()["error_code"]) == (422, "ERR_1001")
    long = await alice.post("/categories", json={"x" * 10_000: 1})
    assert len(long.text) < 2_000


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"name": NaN}', b""])
async def test_a_body_that_cannot_be_read_is_no_fault_of_the_service(
    alice: httpx.AsyncClient, body: bytes
) -> None:
    response = await alice.post("/categories", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in {400, 422}
    assert response.json()["error_code"] in {"ERR_1006", "ERR_1001"}


@pytest.mark.parametrize(
    "path", ["/categories/", "/health/", "/transactions//", "//evil.example/categories/"]
)
async def test_a_slash_too_many_is_no_path_and_never_a_redirect(alice: httpx.AsyncClient, path: str) -> None:
    answer = await alice.get(f"http://service{path}", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ERR_1002")
    assert "location" not in answer.headers
