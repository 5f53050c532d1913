"""Security headers on every answer, and CORS for exact origins only."""

from __future__ import annotations

import httpx
import pytest
from fastapi import FastAPI

from app.core.context import Context
from app.main import create_app
from tests.app.auth.conftest import Ask
from tests.app.auth.provider import token

pytestmark = pytest.mark.integration
ORIGIN = "https://app.example.org"
EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "referrer-policy": "strict-origin-when-cross-origin",
    "x-xss-protection": "1; mode=block",
}


@pytest.fixture
def faulty(service: FastAPI) -> FastAPI:
    @service.get("/fails")
    async def fails() -> None:
        raise RuntimeError

    return service


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/metrics", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/nothing", 404),
        ("POST", "/health", 405),
        ("GET", "/categories", 401),
        ("POST", "/api/v1/auth/login", 422),
        ("GET", "/fails", 500),
        ("OPTIONS", "/categories", 405),
    ],
)
async def test_every_answer_has_each_header_once(
    faulty: FastAPI, ask: Ask, method: str, path: str, status: int
) -> None:
    answer = await ask("").request(method, path)
    assert answer.status_code == status
    assert {name: answer.headers.get_list(name) for name in EXPECTED} == {
        name: [value] for name, value in EXPECTED.items()
    }
    assert "server" not in answer.headers


async def test_an_answer_to_somebody_is_kept_by_no_cache(ask: Ask) -> None:
    for bearer, path in ((token(), "/auth/me"), ("wrong", "/auth/me"), (token(), "/nothing")):
        assert (await ask(bearer).get(path)).headers.get_list("cache-control") == ["no-store"]
    assert "cache-control" not in (await ask("").get("/liveness")).headers


async def test_the_page_of_the_routes_works_in_development(ask: Ask) -> None:
    answer = await ask("").get("/docs")
    assert answer.status_code == 200
    assert "'unsafe-inline'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert (await ask("").get("/redoc")).status_code == 404


async def test_it_is_not_there_outside_development(context: Context) -> None:
    context.settings = context.settings.model_copy(update={"environment": "production"})
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        assert [(await client.get(path)).status_code for path in ("/docs", "/redoc")] == [404, 404]
        assert (await client.get("/openapi.json")).status_code == 200


def cors(answer: httpx.Response) -> set[str]:
    return {name for name in answer.headers if name.startswith("access-control")}


async def preflight(ask: Ask, origin: str, method: str = "GET", headers: str = "") -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = headers
    return await ask("").options("/categories", headers=asked)


async def test_an_allowed_origin_may_read_the_answer_and_its_headers(ask: Ask) -> None:
    answer = await ask("").get("/liveness", headers={"Origin": ORIGIN})
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    exposed = {name.strip().lower() for name in answer.headers["access-control-expose-headers"].split(",")}
    assert {"x-request-id", "traceparent", "retry-after", "x-ratelimit-remaining-minute"} <= exposed
    assert "access-control-allow-credentials" not in answer.headers
    assert answer.headers["vary"] == "Origin"


async def test_errors_are_readable_there_too(faulty: FastAPI, ask: Ask) -> None:
    for path, status in (("/nothing", 404), ("/categories", 401), ("/fails", 500)):
        answer = await ask("").get(path, headers={"Origin": ORIGIN})
        assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, ORIGIN)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_an_allowed_origin_may_use_every_method_we_have(ask: Ask, method: str) -> None:
    sent = "authorization, content-type, x-request-id, traceparent"
    answer = await preflight(ask, ORIGIN, method, sent)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert "*" not in answer.headers["access-control-allow-headers"]


@pytest.mark.parametrize(("method", "headers"), [("TRACE", ""), ("GET", "X-Other"), ("get", "")])
async def test_other_methods_and_headers_are_refused(ask: Ask, method: str, headers: str) -> None:
    assert (await preflight(ask, ORIGIN, method, headers)).status_code == 400


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://app.example.org",
        "https://app.example.org:8443",
        "https://app.example.org.evil.example",
        "https://evil.example?https://app.example.org",
        "HTTPS://APP.EXAMPLE.ORG",
        "https://app.example.org/",
        "null",
        "*",
        "",
    ],
)
async def test_another_origin_hears_nothing_of_cors(ask: Ask, origin: str) -> None:
    simple = await ask("").get("/liveness", headers={"Origin": origin})
    assert (simple.status_code, cors(simple), simple.headers["vary"]) == (200, set(), "Origin")
    asked = await preflight(ask, origin)
    assert (asked.status_code, asked.json()["error_code"], cors(asked)) == (405, "ERR_1004", set())


async def test_without_origins_there_is_no_cors(context: Context) -> None:
    context.settings = context.settings.model_copy(update={"allowed_origins": ()})
    transport = httpx.ASGITransport(create_app(context))
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.get("/liveness", headers={"Origin": ORIGIN})
    assert cors(answer) == set()


async def test_a_preflight_is_not_counted_by_the_rate_limit(ask: Ask) -> None:
    counted = await ask(token()).get("/auth/me", headers={"Origin": ORIGIN})
    assert "x-ratelimit-remaining-minute" in counted.headers
    assert "x-ratelimit-remaining-minute" in (await preflight(ask, "https://evil.example")).headers
    assert "x-ratelimit-remaining-minute" not in (await preflight(ask, ORIGIN)).headers
