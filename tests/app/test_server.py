"""The real process: how it starts, how it drains, what it says meanwhile; and the image's health check."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.types import Message, Receive, Scope, Send

from app import healthcheck
from app.core.context import Context
from app.core.server import StoppingMiddleware
from app.main import make_server
from tests.app.conftest import DEV_TOKEN, SECRET_KEY
from tests.app.replicas import AUTHORIZATION, Service
from tests.app.servers import Postgres, RedisServer, free_port, received, wait_for

pytestmark = pytest.mark.integration
Start = Callable[..., Service]


@pytest.fixture
def process(postgres: Postgres, redis: RedisServer) -> Iterator[Service]:
    """A running service."""
    server = Service(postgres, redis)
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_drain_turns_readiness_away_finishes_what_is_under_way_and_exits_0(process: Service) -> None:
    body = json.dumps({"transactions": []}).encode()
    head = "POST /backup/import HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    with socket.create_connection(("127.0.0.1", process.port), 10) as slow:
        slow.sendall(
            f"{head}\r\nContent-Length: {len(body)}\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\r\n".encode()
            + body[:5]
        )
        wait_for(lambda: process.readiness() == 200, "readiness")
        process.terminate()
        wait_for(lambda: process.readiness() == 503, "readiness falls", 10)
        during = httpx.get(f"{process.url}/categories", headers=AUTHORIZATION)
        assert (during.status_code, during.headers["connection"]) == (200, "close")
        wait_for(lambda: not process.answers(), "the port closes", 10)
        slow.sendall(body[5:])
        answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert process.exit_code() == 0
    events = [line["event"] for line in process.lines()]
    assert "drained" in events
    assert "Finished server process" in str(events[-1])


def test_the_log_of_a_whole_life_is_json_without_a_secret(process: Service, postgres: Postgres) -> None:
    for path in ("/health", "/categories", "/transactions?q=x", "/nothing"):
        httpx.get(f"{process.url}{path}", headers=AUTHORIZATION)
    httpx.get(f"{process.url}/categories", headers={"Authorization": "Bearer wr0ng-t0ken-0123456789"})
    process.stop(signal.SIGTERM)
    said = (process.folder / "log").read_text()
    statuses = [line.get("status") for line in process.lines() if line["event"] == "request"]
    assert statuses == [200, 200, 404, 401]
    secrets = (DEV_TOKEN, SECRET_KEY, postgres.password, "wr0ng-t0ken")
    assert not [secret for secret in secrets if secret in said]


def test_the_health_check_of_the_image_tells_life_from_death(
    process: Service, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PORT", str(process.port))
    assert healthcheck.main() == 0
    monkeypatch.setenv("PORT", str(free_port()))
    assert healthcheck.main() == 1
    assert capsys.readouterr().err.startswith("no answer: ")


@pytest.fixture
def start(postgres: Postgres, redis: RedisServer) -> Iterator[Start]:
    """``start(DRAIN_SECONDS="60")``: a running replica that has a slow route; ended after the test."""
    made: list[Service] = []

    def make(*arguments: str, **changed: str) -> Service:
        made.append(Service(postgres, redis, "tests.app.jobs.kinds", *arguments, **changed))
        made[-1].start()
        wait_for(lambda: made[-1].readiness() == 200, "readiness")
        return made[-1]

    yield make
    for replica in made:
        replica.remove()


def under_way(replica: Service, seconds: int) -> socket.socket:
    """A connection whose request the replica is at."""
    connection = socket.create_connection(("127.0.0.1", replica.port), 60)
    connection.sendall(f"GET /slow/{seconds} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    busy = re.compile(r"^api_requests_in_flight ([2-9]|\d\d)", re.MULTILINE)  # it, and whoever asks
    wait_for(lambda: busy.search(httpx.get(f"{replica.url}/metrics").text), "the request is under way")
    return connection


def everything(connection: socket.socket) -> bytes:
    """What arrives until the other side closes."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.slow
async def test_a_drain_under_load_fails_no_request(start: Start) -> None:
    leaving, staying = start(), start()
    target, answered = leaving, 0
    failed: list[str] = []

    async def follow() -> None:
        """What the endpoints of a Kubernetes service do."""
        nonlocal target
        async with httpx.AsyncClient() as probe:
            while (await probe.get(f"{leaving.url}/readiness")).status_code == 200:
                await asyncio.sleep(0.1)
        target = staying

    async def load(number: int) -> None:
        nonlocal answered
        async with httpx.AsyncClient(headers=AUTHORIZATION, timeout=30) as client:
            while not over.is_set():
                path = ("/slow/0.3", "/categories", "/slow/0")[number % 3]
                try:
                    response = await client.get(f"{target.url}{path}")
                except httpx.TransportError as error:
                    failed.append(f"{type(error).__name__} {path}")
                else:
                    failed.extend([f"{response.status_code} {path}"] if response.status_code != 200 else [])
                answered += 1

    over = asyncio.Event()
    running = [asyncio.create_task(load(number)) for number in range(12)]
    following = asyncio.create_task(follow())
    while answered < 100:
        await asyncio.sleep(0.05)
    leaving.terminate()
    assert await asyncio.to_thread(leaving.exit_code) == 0
    afterwards = answered
    while answered < afterwards + 50:
        await asyncio.sleep(0.05)
    over.set()
    await asyncio.gather(*running, following)
    assert failed == []
    assert "Cancel" not in (leaving.folder / "log").read_text()


def test_a_request_longer_than_the_grace_is_told_to_ask_another_replica(start: Start) -> None:
    replica = start("grace=1", DRAIN_SECONDS="0")
    with under_way(replica, 60) as connection:
        replica.terminate()
        answer = everything(connection)
    assert replica.exit_code() == 0
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503")
    assert {b"retry-after: 1", b"connection: close"} <= set(head.lower().split(b"\r\n"))
    told = json.loads(body)
    assert told["error_code"] == "ERR_1600"
    assert [line["trace_id"] for line in replica.said("request cut off")] == [told["trace_id"]]


def test_a_request_on_an_old_connection_is_answered_and_the_connection_closed(start: Start) -> None:
    replica = start(DRAIN_SECONDS="2")
    request = b"GET /liveness HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", replica.port), 10) as kept:
        kept.sendall(request)
        assert b"connection: close" not in received(kept, b'"alive"}').lower()
        replica.terminate()
        wait_for(lambda: replica.readiness() == 503, "readiness falls", 10)
        kept.sendall(request)
        assert b"connection: close" in everything(kept).lower()
    assert replica.exit_code() == 0


def test_a_second_signal_ends_the_drain_but_not_the_grace(start: Start) -> None:
    replica = start(DRAIN_SECONDS="60")
    with under_way(replica, 2) as connection:
        replica.terminate()
        wait_for(lambda: replica.readiness() == 503, "readiness falls", 10)
        replica.terminate()
        wait_for(lambda: not replica.answers(), "the port closes", 10)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    assert replica.exit_code() == 0


def test_a_signal_during_the_grace_ends_it_and_the_exit_code_stays_0(start: Start) -> None:
    replica = start(DRAIN_SECONDS="0")
    with under_way(replica, 60):
        replica.terminate()
        wait_for(lambda: not replica.answers(), "the port closes", 10)
        replica.terminate()
        assert replica.exit_code(10) == 0


def test_an_interrupt_skips_the_drain_and_exits_0_without_a_traceback(start: Start) -> None:
    replica = start(DRAIN_SECONDS="60")
    replica.stop(signal.SIGINT)
    assert replica.exit_code() == 0
    assert "Traceback" not in (replica.folder / "log").read_text()


async def test_the_server_drains_in_its_event_loop(context: Context) -> None:
    context.settings = context.settings.model_copy(
        update={"host": "127.0.0.1", "port": free_port(), "drain_seconds": 0.3}
    )
    server = make_server(context)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(serving, 5)
    assert context.draining


@pytest.mark.parametrize(
    ("signals", "draining", "exiting", "forced"),
    [
        ((signal.SIGTERM,), True, False, False),
        ((signal.SIGTERM, signal.SIGTERM), True, True, False),
        ((signal.SIGINT,), True, True, False),
        ((signal.SIGTERM, signal.SIGTERM, signal.SIGTERM), True, True, True),
        ((signal.SIGINT, signal.SIGINT), True, True, True),
    ],
)
async def test_each_signal_ends_one_wait_more(
    context: Context, signals: tuple[signal.Signals, ...], draining: bool, exiting: bool, forced: bool
) -> None:
    server = make_server(context)
    for number in signals:
        server.handle_exit(number, None)
    assert (context.draining, server.should_exit, server.force_exit) == (draining, exiting, forced)


@pytest.mark.parametrize(
    ("draining", "begun", "statuses"), [(True, False, [503]), (True, True, [200]), (False, False, [])]
)
async def test_only_an_unanswered_request_of_a_stopping_replica_is_told_so(
    context: Context, draining: bool, begun: bool, statuses: list[int]
) -> None:
    sent: list[Message] = []
    waits = asyncio.Event()

    async def send(message: Message) -> None:
        sent.append(message)

    async def endless(_scope: Scope, _receive: Receive, send: Send) -> None:
        if begun:
            await send({"type": "http.response.start", "status": 200, "headers": []})
        waits.set()
        await asyncio.Event().wait()

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    context.draining = draining
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "state": {}}
    request = asyncio.ensure_future(StoppingMiddleware(endless, context)(scope, receive, send))
    await waits.wait()
    request.cancel()
    await asyncio.wait({request})
    assert request.cancelled() is (statuses != [503])
    assert [message["status"] for message in sent if "status" in message] == statuses
