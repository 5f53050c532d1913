"""Bodies that are too large, too slow, too deep or no JSON: a clear answer, and a server that goes on."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive, Scope, Send

from app.core.middleware.body import BodyLimitMiddleware, is_above
from tests.app.conftest import DEV_TOKEN
from tests.app.replicas import Service
from tests.app.servers import Postgres, RedisServer, received

pytestmark = pytest.mark.integration
PATIENCE = 60.0  # seconds, on a machine that has much else to do
GIGABYTE = 1_000_000_000
MEGABYTE = b" " * 1_000_000
JSON = "Content-Type: application/json\r\n"
ENTRY = '{"date":"2026-01-15","description":"x","type":"expense","amount":%s}'


@pytest.fixture(scope="module")
def impatient(postgres: Postgres, redis: RedisServer) -> Iterator[Service]:
    """A running service that waits one second for a body."""
    server = Service(postgres, redis)
    server.environment |= {"BODY_SECONDS": "1", "RATE_LIMIT_PER_MINUTE": "100000"}
    server.environment |= {"RATE_LIMIT_PER_HOUR": "100000", "RATE_LIMIT_PER_DAY": "100000"}
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextmanager
def request(server: Service, headers: str, path: str = "/transactions") -> Iterator[socket.socket]:
    """A connection on which the head of a POST has been sent."""
    with socket.create_connection(("127.0.0.1", server.port), PATIENCE) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {DEV_TOKEN}\r\n{headers}\r\n"
        connection.sendall(head.encode())
        yield connection


def answer(connection: socket.socket) -> bytes:
    """Everything until the server closes the connection, or resets what it does not want to read."""
    parts = []
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def test_a_body_that_never_comes_is_given_up_and_the_connection_closed(impatient: Service) -> None:
    begun = time.monotonic()
    with request(impatient, JSON + "Content-Length: 100\r\n") as connection:
        said = answer(connection)
    assert time.monotonic() - begun >= 1
    assert said.startswith(b"HTTP/1.1 408")
    assert b'"ERR_1007"' in said
    assert b"The body did not arrive within 1 seconds" in said


def test_a_body_that_trickles_is_given_up_as_soon(impatient: Service) -> None:
    """Long before the body is whole: it would take more than fifteen minutes."""
    said, end = b"", time.monotonic() + PATIENCE
    with request(impatient, JSON + "Content-Length: 10000\r\n") as connection:
        connection.settimeout(0.1)
        while not said and time.monotonic() < end:
            with suppress(TimeoutError):
                said = connection.recv(65_536)
            with suppress(OSError):  # it has hung up
                connection.sendall(b" ")
    assert said.startswith(b"HTTP/1.1 408")


def test_a_declared_gigabyte_is_refused_at_once(impatient: Service) -> None:
    with request(impatient, f"{JSON}Content-Length: {GIGABYTE}\r\n") as connection:
        for _ in range(3):  # it sends on before it reads, as clients do
            connection.sendall(MEGABYTE)
        first = received(connection, b"timestamp")
        answer(connection)
    assert first.startswith(b"HTTP/1.1 413")
    assert b'"ERR_1005"' in first  # and not that it took too long


def test_an_endless_body_is_refused_after_the_limit_and_not_kept(impatient: Service) -> None:
    before = resident(impatient)
    chunk = f"{len(MEGABYTE):x}\r\n".encode() + MEGABYTE + b"\r\n"
    sent = 0
    with request(impatient, JSON + "Transfer-Encoding: chunked\r\n") as connection:
        try:
            for _ in range(GIGABYTE // len(MEGABYTE)):
                connection.sendall(chunk)
                sent += len(MEGABYTE)
        except OSError:  # it has hung up
            first = answer(connection)
    assert sent < GIGABYTE
    assert first.startswith(b"HTTP/1.1 413")
    assert resident(impatient) - before < 100_000_000


def resident(server: Service) -> int:
    """Bytes of memory the process has (proc(5))."""
    assert server.process is not None
    pages = Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]
    return int(pages) * 4096


def test_whoever_asks_before_sending_is_told_before_sending(impatient: Service) -> None:
    with request(impatient, f"{JSON}Expect: 100-continue\r\nContent-Length: {GIGABYTE}\r\n") as connection:
        assert answer(connection).startswith(b"HTTP/1.1 413")
    body = (ENTRY % '"1.00"').encode()
    head = f"{JSON}Expect: 100-continue\r\nConnection: close\r\nContent-Length: {len(body)}\r\n"
    with request(impatient, head) as connection:
        assert connection.recv(65_536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert answer(connection).startswith(b"HTTP/1.1 201")


@pytest.mark.parametrize(
    "headers",
    [
        "Content-Length: -1\r\n",
        "Content-Length: many\r\n",
        f"Content-Length: {'9' * 5000}\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    ],
)
def test_a_length_that_is_none_is_a_bad_request(impatient: Service, headers: str) -> None:
    with request(impatient, JSON + headers) as connection:
        assert answer(connection).startswith(b"HTTP/1.1 400")


def test_a_body_longer_than_declared_is_not_taken_for_a_request(impatient: Service) -> None:
    with request(impatient, JSON + "Content-Length: 2\r\n") as connection:
        connection.sendall(b"{} and more\r\n\r\n")
        said = answer(connection)
    assert said.count(b"HTTP/1.1") <= 2
    assert b"HTTP/1.1 2" not in said


def test_a_client_that_leaves_in_the_middle_is_no_error(impatient: Service) -> None:
    errors = [line for line in impatient.lines() if line["level"] == "error"]
    with request(impatient, JSON + "Content-Length: 100\r\n") as connection:
        connection.sendall(b"{")
    assert httpx.get(f"{impatient.url}/liveness").status_code == 200
    assert [line for line in impatient.lines() if line["level"] == "error"] == errors


async def post(
    client: httpx.AsyncClient, body: bytes | str, kind: str = "application/json"
) -> tuple[int, str]:
    response = await client.post("/transactions", content=body, headers={"Content-Type": kind})
    return response.status_code, response.json().get("error_code", "")


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("path", ["/transactions", "/backup/import", "/api/v1/orders"])
async def test_deep_json_is_refused_whatever_its_depth(
    alice: httpx.AsyncClient, opening: str, path: str
) -> None:
    closing = "]" if opening == "[" else "}"
    for depth in (10, 100, 480, 900, 950, 980, 1_000, 5_000, 100_000):
        body = opening * depth + "1" + closing * depth
        response = await alice.post(path, content=body, headers={"Content-Type": "application/json"})
        assert response.status_code in {400, 422}, depth
    assert (response.status_code, response.json()["error_code"]) == (400, "ERR_1006")


@pytest.mark.parametrize("number", ["1e999999", "-1e999999", "NaN", "Infinity", "9" * 4_000, '"1e400"'])
async def test_numbers_beyond_all_measure_are_not_valid(alice: httpx.AsyncClient, number: str) -> None:
    assert await post(alice, ENTRY % number) == (422, "ERR_1001")


async def test_an_integer_too_long_to_read_is_refused(alice: httpx.AsyncClient) -> None:
    assert await post(alice, ENTRY % ("9" * 10_000)) == (400, "ERR_1006")


async def test_of_two_equal_keys_the_last_one_counts(alice: httpx.AsyncClient) -> None:
    body = (ENTRY % "1").replace("{", '{"amount":"wrong","description":"first",')
    response = await alice.post("/transactions", content=body, headers={"Content-Type": "application/json"})
    assert (response.status_code, response.json()["description"]) == (201, "x")


@pytest.mark.parametrize("text", ["\\u0000", "a\\u0000b", "\\ud800", "\\udfff\\ud800"])
async def test_text_that_cannot_be_stored_is_not_valid(alice: httpx.AsyncClient, text: str) -> None:
    assert await post(alice, (ENTRY % "1").replace('"x"', f'"{text}"')) == (422, "ERR_1001")


@pytest.mark.parametrize(
    "body", [b'"\xff\xfe"', b"\xed\xa0\x80", b'{"a":"\xc3"}', b"\x00", b"{\x00}", b"{", b"'a'"]
)
async def test_bytes_that_are_no_json_cannot_be_read(alice: httpx.AsyncClient, body: bytes) -> None:
    assert await post(alice, body) == (400, "ERR_1006")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/xml", "multipart/form-data", "", "a/b/c", "x" * 500]
)
async def test_another_content_type_is_not_taken_for_json(alice: httpx.AsyncClient, kind: str) -> None:
    assert await post(alice, ENTRY % "1", kind) == (422, "ERR_1001")


async def test_an_empty_body_is_not_valid(alice: httpx.AsyncClient) -> None:
    assert await post(alice, b"") == (422, "ERR_1001")


async def test_a_refused_body_in_parts_ends_with_the_answer(alice: httpx.AsyncClient) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield MEGABYTE

    begun = time.monotonic()
    response = await alice.post("/transactions", content=parts())
    assert (response.status_code, response.headers["connection"]) == (413, "close")
    assert time.monotonic() - begun < 5


@pytest.mark.unit
def test_what_a_length_says() -> None:
    lengths = {"": False, "10": False, "11": True, "9" * 5000: True, "-11": False, "²": False, "0011": True}
    assert {length: is_above(length, 10) for length in lengths} == lengths


async def never() -> Message:
    """A client that says nothing."""
    return await asyncio.Future()


async def reading(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that reads the whole body and tells its size."""
    size, more = 0, True
    while more:
        part = await receive()
        size, more = size + len(part["body"]), part.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})


@pytest.mark.unit
async def test_a_client_that_says_nothing_is_given_up() -> None:
    chain = BodyLimitMiddleware(reading, {}, 0.05)
    with pytest.raises(HTTPException) as raised:
        await chain({"type": "http", "path": "/", "headers": []}, never, never)  # type: ignore[arg-type]
    assert (raised.value.status_code, raised.value.headers) == (408, {"Connection": "close"})


@pytest.mark.unit
async def test_the_answer_to_a_refused_client_that_stops_sending_ends_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("app.core.middleware.body.LINGER_SECONDS", 0.05)
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "path": "/", "headers": [(b"content-length", b"2000000")]}
    await BodyLimitMiddleware(reading, {}, 1)(scope, never, send)
    assert [(message["type"], message.get("more_body")) for message in sent] == [
        ("http.response.start", None),
        ("http.response.body", True),
        ("http.response.body", False),
    ]


@pytest.mark.unit
async def test_a_path_may_take_more_and_what_is_no_request_passes() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": MEGABYTE * 2, "more_body": False}

    chain = BodyLimitMiddleware(reading, {"/large": 3_000_000}, 1)
    await chain({"type": "http", "path": "/large", "headers": []}, receive, send)
    await chain({"type": "lifespan"}, receive, send)
    assert [message["body"] for message in sent[1::2]] == [b"2000000"] * 2
