"""The real process: how it starts, how it drains, what it says meanwhile; and the image's health check."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import httpx
import pytest

from app import healthcheck
from app.core.context import Context
from app.main import make_server
from tests.app.conftest import DATABASE, DEV_TOKEN, SECRET_KEY
from tests.app.servers import Postgres, RedisServer, Server, free_port, wait_for

pytestmark = pytest.mark.integration
AUTHORIZATION = {"Authorization": f"Bearer {DEV_TOKEN}"}


class Service(Server):
    """`python -m app.main` with only its own environment."""

    def __init__(self, postgres: Postgres, redis: RedisServer) -> None:
        super().__init__("service")
        self.environment = {
            "ENVIRONMENT": "development",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SECRET_KEY": SECRET_KEY,
            "DEV_TOKEN": DEV_TOKEN,
            "DATABASE_URL": postgres.address("service", DATABASE),
            "REDIS_URL": redis.address,
            "DRAIN_SECONDS": "2",
            "VERSION": "1.2.3",
        }

    def command(self) -> list[str]:
        """The values travel by environment, as in a pod; nothing of this machine's is left in it."""
        return [sys.executable, "-m", "app.main"]

    def start(self) -> None:
        """Returns as soon as the port is open."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, env=self.environment, start_new_session=True
            )
        wait_for(lambda: self.running() and self.answers(), "the service answers")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[dict[str, object]]:
        """Its log; a line that is no JSON fails the test."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]


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
    assert process.process is not None
    body = json.dumps({"transactions": []}).encode()
    head = "POST /backup/import HTTP/1.1\r\nHost: x\r\nContent-Type: application/json"
    with socket.create_connection(("127.0.0.1", process.port), 10) as slow:
        slow.sendall(
            f"{head}\r\nContent-Length: {len(body)}\r\nAuthorization: Bearer {DEV_TOKEN}\r\n\r\n".encode()
            + body[:5]
        )
        wait_for(lambda: httpx.get(f"{process.url}/readiness").status_code == 200, "readiness")
        process.process.send_signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{process.url}/readiness").status_code == 503, "readiness falls", 10)
        during = httpx.get(f"{process.url}/categories", headers=AUTHORIZATION)
        assert (during.status_code, during.headers["connection"]) == (200, "close")
        wait_for(lambda: not process.answers(), "the port closes", 10)
        slow.sendall(body[5:])
        answer = slow.recv(65536)
    assert answer.startswith(b"HTTP/1.1 200")
    assert process.process.wait(30) == 0
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


def test_a_second_signal_ends_the_drain_at_once(postgres: Postgres, redis: RedisServer) -> None:
    server = Service(postgres, redis)
    server.environment["DRAIN_SECONDS"] = "60"
    try:
        server.start()
        assert server.process is not None
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: httpx.get(f"{server.url}/readiness").status_code == 503, "readiness falls", 10)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(30)
    finally:
        server.remove()


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
