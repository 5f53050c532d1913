"""Heads too large, too slow or no HTTP, and clients that do not read: raw sockets at a real server."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx
import pytest

from app.core.middleware.headers import SECURITY_HEADERS
from app.core.protocol import HEAD_BYTES
from tests.app.impatient import LARGE
from tests.app.replicas import Service
from tests.app.servers import Postgres, RedisServer, received, wait_for

pytestmark = pytest.mark.integration
LIVENESS = b"GET /liveness HTTP/1.1\r\nHost: x\r\n\r\n"
SOON = 8.0  # seconds: much longer than the replica's one, much shorter than for ever


@pytest.fixture(scope="module")
def replica(postgres: Postgres, redis: RedisServer) -> Iterator[Service]:
    """A running service that waits a second."""
    server = Service(postgres, redis, "tests.app.impatient")
    try:
        server.start()
        yield server
    finally:
        server.remove()


def connect(replica: Service) -> socket.socket:
    return socket.create_connection(("127.0.0.1", replica.port), 30)


def rest(connection: socket.socket) -> bytes:
    """What arrives until the server closes, or resets what it does not want to read."""
    said = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65_536):
            said += part
    return said


def errors(replica: Service, code: str) -> float:
    found = re.search(
        rf'^errors_total{{error_code="{code}"}} (\S+)', httpx.get(f"{replica.url}/metrics").text, re.MULTILINE
    )
    return float(found[1]) if found else 0.0


def head(size: int) -> bytes:
    """A request whose head has so many bytes."""
    begin, end = b"GET /liveness HTTP/1.1\r\nHost: x\r\nX-Filler: ", b"\r\n\r\n"
    return begin + b"f" * (size - len(begin) - len(end)) + end


def test_a_head_may_be_large_and_no_larger(replica: Service) -> None:
    with connect(replica) as connection:
        connection.sendall(head(HEAD_BYTES - 100))
        assert received(connection, b'"alive"}').startswith(b"HTTP/1.1 200")
        connection.sendall(head(HEAD_BYTES + 1_000))
        said = rest(connection)
    assert said.startswith(b"HTTP/1.1 400")
    assert b"The head of the request is larger than 65536 bytes" in said


@pytest.mark.parametrize("begin", [b"GET /liveness HTTP/1.1\r\nX-Filler: ", b"GET /", b"\r\n\r\n"])
def test_a_head_without_end_is_cut_off_and_not_kept(replica: Service, begin: bytes) -> None:
    before, sent = resident(replica), 0
    filler = (b"\r\n" if begin == b"\r\n\r\n" else b"ff") * 50_000
    with connect(replica) as connection:
        connection.sendall(begin)
        with suppress(OSError):  # it has hung up
            while sent < 60_000_000:
                connection.sendall(filler)
                sent += len(filler)
    assert sent < 30_000_000
    assert resident(replica) - before < 20_000_000


def resident(server: Service) -> int:
    """Bytes of memory the process has (proc(5))."""
    assert server.process is not None
    return int(Path(f"/proc/{server.process.pid}/statm").read_text().split()[1]) * 4096


def test_many_half_heads_are_closed_and_others_are_served(replica: Service) -> None:
    before = errors(replica, "ERR_1007")
    with ExitStack() as stack:
        half = [stack.enter_context(connect(replica)) for _ in range(50)]
        for connection in half:
            connection.sendall(LIVENESS[:-4])
        begun = time.monotonic()
        assert httpx.get(f"{replica.url}/liveness").status_code == 200
        answers = [rest(connection) for connection in half]
        assert time.monotonic() - begun < SOON
    assert {answer[:12] for answer in answers} == {b"HTTP/1.1 408"}
    assert b"The head of the request did not arrive within 1 seconds" in answers[0]
    assert errors(replica, "ERR_1007") == before + 50


def test_a_head_that_trickles_has_no_more_time(replica: Service) -> None:
    begun, said = time.monotonic(), b""
    with connect(replica) as connection:
        connection.settimeout(0.1)
        connection.sendall(b"GET / HTTP/1.1\r\nX-Filler: ")
        while not said and time.monotonic() - begun < SOON:
            connection.sendall(b"f")
            try:
                said = connection.recv(65_536)
            except TimeoutError:
                continue
    assert said.startswith(b"HTTP/1.1 408")


def test_a_new_connection_that_says_nothing_is_closed_without_a_word(replica: Service) -> None:
    with connect(replica) as connection:
        assert rest(connection) == b""


def test_a_connection_that_was_answered_is_kept_until_a_head_begins(replica: Service) -> None:
    with connect(replica) as connection:
        connection.sendall(LIVENESS)
        received(connection, b'"alive"}')
        connection.settimeout(2.5)
        with pytest.raises(TimeoutError):  # not closed in more than the time for a head
            connection.recv(1)
        connection.settimeout(30)
        connection.sendall(LIVENESS + b"\r\n")
        assert received(connection, b'"alive"}').startswith(b"HTTP/1.1 200")
        connection.sendall(b"\r\n")
        assert rest(connection).startswith(b"HTTP/1.1 408")


def test_an_answer_that_takes_long_is_not_cut_off_by_half_a_head_behind_it(replica: Service) -> None:
    with connect(replica) as connection:
        connection.sendall(b"GET /slow/2.5 HTTP/1.1\r\nHost: x\r\n\r\nGET /")
        said = rest(connection)
    assert said.startswith(b"HTTP/1.1 200")
    assert b"\r\n\r\n2.5HTTP/1.1 408" in said


def test_a_body_is_not_counted_among_the_head(replica: Service) -> None:
    body = b" " * 200_000
    sent = b"POST /nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with connect(replica) as connection:
        for _ in range(3):
            connection.sendall(sent + LIVENESS)
            assert received(connection, b'"alive"}').startswith(b"HTTP/1.1 404")


UNREADABLE = {
    "a byte that is no ASCII in the path": b"GET /caf\xe9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"BREW /coffee HTTP/1.1\r\nHost: x\r\n\r\n",
    "two lengths of the body": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01",
}


@pytest.mark.parametrize("sent", UNREADABLE.values(), ids=UNREADABLE)
def test_what_is_no_http_gets_the_body_of_every_error(replica: Service, sent: bytes) -> None:
    before = errors(replica, "ERR_1006")
    with connect(replica) as connection:
        connection.sendall(sent)
        said, _, body = rest(connection).partition(b"\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    headers = dict(line.split(": ", 1) for line in said.decode().lower().split("\r\n")[1:])
    told = json.loads(body)
    assert (told["error"], told["error_code"], told["message"]) == (
        True,
        "ERR_1006",
        "The request cannot be read",
    )
    assert headers["content-type"] == "application/json"
    assert headers["content-length"] == str(len(body))
    assert headers["connection"] == "close"
    assert headers["x-request-id"] == told["trace_id"]
    assert told["trace_id"] in headers["traceparent"]
    assert {name.lower() for name in SECURITY_HEADERS} <= set(headers)
    assert errors(replica, "ERR_1006") == before + 1
    assert told["trace_id"] in {line.get("trace_id") for line in replica.said("request refused")}


def test_what_is_no_http_does_not_spoil_the_answer_before_it(replica: Service) -> None:
    with connect(replica) as connection:
        connection.sendall(b"GET /slow/0.5 HTTP/1.1\r\nHost: x\r\n\r\n\x16\x03\x01")
        said = rest(connection)
    assert said.startswith(b"HTTP/1.1 200")
    assert said.count(b"HTTP/1.1") == 1


def test_a_client_that_does_not_read_is_given_up_and_holds_nobody_up(replica: Service) -> None:
    with connect(replica) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
        assert httpx.get(f"{replica.url}/liveness").status_code == 200
        wait_for(lambda: replica.said("answer not read"), "it is given up", SOON)
        assert len(rest(connection)) < LARGE


def test_a_client_that_reads_slowly_gets_everything(replica: Service) -> None:
    got, begun = 0, time.monotonic()
    with connect(replica) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        while part := connection.recv(500_000):
            got += len(part)
            if time.monotonic() - begun < 3:
                time.sleep(0.1)
    assert got > LARGE
