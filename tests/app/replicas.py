"""Replicas of the service as processes of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.app.conftest import DATABASE, DEV_TOKEN, SECRET_KEY
from tests.app.servers import Postgres, RedisServer, Server, wait_for

AUTHORIZATION = {"Authorization": f"Bearer {DEV_TOKEN}"}
ROOT = Path(__file__).resolve().parents[2]
QUICK_LIMITS = {f"RATE_LIMIT_PER_{window}": "1000000" for window in ("MINUTE", "HOUR", "DAY")}


class Service(Server):
    """`python -m app.main`, or another module that serves, with only its own environment."""

    def __init__(
        self, postgres: Postgres, redis: RedisServer, *module: str, database: str = DATABASE, **changed: str
    ) -> None:
        super().__init__("service")
        self.code = ROOT  # the folder that holds app/
        self.module = module or ("app.main",)
        self.environment = {
            "ENVIRONMENT": "development",
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "SECRET_KEY": SECRET_KEY,
            "DEV_TOKEN": DEV_TOKEN,
            "DATABASE_URL": postgres.address("service", database),
            "REDIS_URL": redis.address,
            "DRAIN_SECONDS": "2",
            "VERSION": "1.2.3",
            **QUICK_LIMITS,
            **changed,
        }

    def command(self) -> list[str]:
        """The values travel by environment, as in a pod; nothing of this machine's is left in it."""
        return [sys.executable, "-m", *self.module]

    def start(self) -> None:
        """Returns as soon as the port is open."""
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                env=self.environment,
                cwd=self.code,
                start_new_session=True,
            )
        wait_for(lambda: self.running() and self.answers(), "the service answers")

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def terminate(self) -> None:
        """What Kubernetes does first."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)

    def exit_code(self, seconds: float = 40) -> int:
        """Waits for its end."""
        assert self.process is not None
        return self.process.wait(seconds)

    def readiness(self) -> int:
        """The status of /readiness, 0 where nothing answers."""
        try:
            return httpx.get(f"{self.url}/readiness").status_code
        except httpx.TransportError:
            return 0

    def get(self, path: str) -> httpx.Response:
        """As the developer."""
        return httpx.get(f"{self.url}{path}", headers=AUTHORIZATION)

    def lines(self) -> list[dict[str, Any]]:
        """Its log; a line that is no JSON fails the test."""
        return [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]

    def said(self, event: str) -> list[dict[str, Any]]:
        """The lines of this event."""
        return [line for line in self.lines() if line["event"] == event]
