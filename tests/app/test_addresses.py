"""The client's address behind proxies, and the allow-list that is applied to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from fastapi import FastAPI, Request
from starlette.types import Message, Receive, Scope, Send

from app import contract
from app.core.context import Context
from app.core.middleware.addresses import MAX_HOPS, AddressMiddleware, parse
from app.core.middleware.identity import IdentityMiddleware
from app.main import create_app

pytestmark = pytest.mark.integration
TRUSTED = ("10.0.0.0/8", "fd00::/8", "192.0.2.7/32")
From = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def client_from(context: Context) -> AsyncIterator[From]:
    """``client_from("10.0.0.1", allowed=(…))``: a client with this peer address, for a service that trusts
    TRUSTED."""
    made: list[httpx.AsyncClient] = []

    def make(peer: str | None, allowed: tuple[str, ...] = ()) -> httpx.AsyncClient:
        changed = {"trusted_proxies": TRUSTED, "ip_allow_list": allowed}
        context.settings = context.settings.model_copy(update=changed)
        transport = httpx.ASGITransport(with_echo(create_app(context)), client=(peer, 1))  # type: ignore[arg-type]
        made.append(httpx.AsyncClient(transport=transport, base_url="http://service"))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


def with_echo(app: FastAPI) -> FastAPI:
    @app.get("/client")
    async def client(request: Request) -> str:
        return str(request.state.client)

    return app


PROXIES = [
    # peer, X-Forwarded-For headers, client
    ("203.0.113.9", [], "203.0.113.9"),
    ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
    ("10.0.0.1", [], "10.0.0.1"),
    ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["1.1.1.1, 198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["198.51.100.1, 10.2.3.4"], "198.51.100.1"),
    ("10.0.0.1", ["198.51.100.1", "10.2.3.4"], "198.51.100.1"),
    ("10.0.0.1", ["10.2.3.4", "198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["1.1.1.1, 192.0.2.7 , 10.2.3.4"], "1.1.1.1"),
    ("10.0.0.1", ["10.9.9.9, 10.2.3.4"], "10.9.9.9"),
    ("10.0.0.1", ["198.51.100.1:4711"], "198.51.100.1"),
    ("10.0.0.1", ["2001:db8::1"], "2001:db8::1"),
    ("10.0.0.1", ["[2001:db8::1]"], "2001:db8::1"),
    ("10.0.0.1", ["[2001:DB8:0::1]:443"], "2001:db8::1"),
    ("10.0.0.1", ["::ffff:198.51.100.1"], "198.51.100.1"),
    ("10.0.0.1", ["198.51.100.1, ::ffff:10.2.3.4"], "198.51.100.1"),
    ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
    ("fd00::1", ["198.51.100.1"], "198.51.100.1"),
    ("2001:db8::7", ["198.51.100.1"], "2001:db8::7"),
    ("10.0.0.1", ["unknown"], "10.0.0.1"),
    ("10.0.0.1", ["198.51.100.1, unknown, 10.2.3.4"], "10.2.3.4"),
    ("10.0.0.1", [""], "10.0.0.1"),
    ("10.0.0.1", ["198.51.100.1,"], "10.0.0.1"),
    ("10.0.0.1", ["' OR 1=1 --"], "10.0.0.1"),
    ("10.0.0.1", ["fe80::1%eth0"], "10.0.0.1"),
    ("10.0.0.1", ["256.1.1.1"], "10.0.0.1"),
    ("10.0.0.1", ["198.51.100.1:80:80"], "10.0.0.1"),
    ("10.0.0.1", [", ".join(["1.1.1.1"] + ["10.2.3.4"] * MAX_HOPS)], "10.2.3.4"),
    ("10.0.0.1", [", ".join(["1.1.1.1"] + ["10.2.3.4"] * (MAX_HOPS - 1))], "1.1.1.1"),
    ("not an address", ["198.51.100.1"], "not an address"),
]


@pytest.mark.parametrize(("peer", "headers", "client"), PROXIES, ids=range(len(PROXIES)))
async def test_the_client_is_the_right_most_address_that_no_trusted_proxy_has(
    client_from: From, peer: str, headers: list[str], client: str
) -> None:
    sent = [(b"X-Forwarded-For", header.encode()) for header in headers]
    assert (await client_from(peer).get("/client", headers=sent)).json() == client


async def test_other_headers_are_not_believed(client_from: From) -> None:
    sent = {"Forwarded": "for=1.1.1.1", "X-Real-IP": "1.1.1.1", "X-Client-IP": "1.1.1.1"}
    assert (await client_from("10.0.0.1").get("/client", headers=sent)).json() == "10.0.0.1"


@pytest.mark.parametrize(
    ("peer", "forwarded", "allowed", "passes"),
    [
        ("203.0.113.9", None, (), True),
        ("203.0.113.9", None, ("203.0.113.0/24",), True),
        ("203.0.113.9", None, ("198.51.100.0/24",), False),
        ("203.0.113.9", None, ("198.51.100.0/24", "203.0.113.9/32"), True),
        ("203.0.113.9", "198.51.100.1", ("198.51.100.0/24",), False),
        ("10.0.0.1", "198.51.100.1", ("198.51.100.0/24",), True),
        ("10.0.0.1", "198.51.100.1, 203.0.113.9", ("198.51.100.0/24",), False),
        ("10.0.0.1", "203.0.113.9", ("10.0.0.0/8",), False),
        ("::ffff:203.0.113.9", None, ("203.0.113.0/24",), True),
        ("2001:db8::1", None, ("2001:db8::/32",), True),
        ("2001:db8::1", None, ("0.0.0.0/0",), False),
        ("a socket", None, ("0.0.0.0/0", "::/0"), False),
    ],
)
async def test_the_allow_list_is_applied_to_the_client_and_not_to_the_proxy(
    client_from: From, peer: str, forwarded: str | None, allowed: tuple[str, ...], passes: bool
) -> None:
    sent = {"X-Forwarded-For": forwarded} if forwarded else {}
    answer = await client_from(peer, allowed).get("/client", headers=sent)
    assert answer.status_code == (200 if passes else 403)
    assert passes or answer.json()["error_code"] == "ERR_1103"
    assert passes or answer.json()["details"] == {}


PROBES = (contract.HEALTH_PATH, contract.READINESS_PATH, contract.LIVENESS_PATH, contract.METRICS_PATH)


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "a socket"])
async def test_probes_pass_where_the_peer_is_the_client(client_from: From, peer: str) -> None:
    client = client_from(peer, allowed=("198.51.100.0/24",))
    answers = [await client.get(path) for path in PROBES]
    assert {answer.status_code for answer in answers} == {200}
    assert not [answer for answer in answers if "x-ratelimit-limit-minute" in answer.headers]
    assert (await client.get("/nothing")).status_code == 403
    assert (await client.post("/health")).status_code == 403


@pytest.mark.parametrize(("client", "status"), [("203.0.113.9", 403), ("198.51.100.1", 200)])
async def test_probe_paths_asked_for_through_a_proxy_are_requests_like_others(
    client_from: From, client: str, status: int
) -> None:
    through = client_from("10.0.0.1", allowed=("198.51.100.0/24",))
    answers = [await through.get(path, headers={"X-Forwarded-For": client}) for path in PROBES]
    assert {answer.status_code for answer in answers} == {status}
    assert {"x-ratelimit-limit-minute" in answer.headers for answer in answers} == {status == 200}


async def test_a_refusal_comes_before_the_token_is_looked_at(client_from: From) -> None:
    client = client_from("203.0.113.9", allowed=("198.51.100.0/24",))
    answer = await client.get("/categories", headers={"Authorization": "Bearer wrong"})
    assert answer.json()["error_code"] == "ERR_1103"


@pytest.mark.unit
@pytest.mark.parametrize(
    "text", ["", "1.2.3", "01.2.3.4", "[::1", "::1]", "1.2.3.4:", "1.2.3.4:123456", "[::1]x"]
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize("middleware", [AddressMiddleware, IdentityMiddleware])
async def test_what_is_not_http_passes_untouched(
    context: Context, middleware: type[AddressMiddleware] | type[IdentityMiddleware]
) -> None:
    seen: list[Scope] = []

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    async def send(message: Message) -> None:
        seen.append(message)

    await middleware(inner, context)({"type": "lifespan"}, receive, send)
    assert seen == [{"type": "lifespan"}]
