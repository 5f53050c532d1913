"""Rotated passwords on the running sandbox: `slipway up` puts the new in force, and the old count no more."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from infra import stack as stacks
from infra.settings.secrets import SecretName
from tests.live.conftest import STACK

pytestmark = [pytest.mark.live, pytest.mark.slow]
Run = Callable[..., subprocess.CompletedProcess[str]]
ROTATED = (
    SecretName.POSTGRES_OWNER_PASSWORD,
    SecretName.POSTGRES_SERVICE_PASSWORD,
    SecretName.REDIS_PASSWORD,
    SecretName.SECRET_KEY,
)  # not the development token: other tests of the same run hold it
PAUSE_SECONDS = 0.25
ASK = """
import asyncio, os, sys
from urllib.parse import urlsplit
import asyncpg, redis
postgres, cache = sys.stdin.read().split()
async def login():
    parts = urlsplit(os.environ["DATABASE_URL"].replace("+asyncpg", ""))
    connection = await asyncpg.connect(host=parts.hostname, port=parts.port or 5432, user=parts.username,
                                       password=postgres, database=parts.path[1:], timeout=5)
    await connection.close()
try:
    asyncio.run(login())
    print("in")
except asyncpg.InvalidPasswordError:
    print("refused")
parts = urlsplit(os.environ["REDIS_URL"])
try:
    redis.Redis(host=parts.hostname, port=parts.port or 6379, password=cache).ping()
    print("in")
except redis.AuthenticationError:
    print("refused")
"""


class Watch:
    """Asks for the month's summary until told to stop; when it failed, in seconds since the start."""

    def __init__(self, client: httpx.Client) -> None:
        self._client, self._stop = client, threading.Event()
        self._begun, self.failures = time.monotonic(), list[float]()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def _watch(self) -> None:
        while not self._stop.wait(PAUSE_SECONDS):
            try:
                sound = self._client.get("/stats/monthly/2026/1").is_success
            except httpx.TransportError:
                sound = False
            if not sound:
                self.failures.append(time.monotonic() - self._begun)

    def end(self) -> float:
        """Seconds from the first failure to the last."""
        self._stop.set()
        self._thread.join()
        return self.failures[-1] - self.failures[0] if self.failures else 0.0


def test_new_passwords_are_in_force_after_up_and_old_ones_are_refused(
    slipway: Run,
    environment: dict[str, str],
    outputs: dict[str, Any],
    api: httpx.Client,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def logins(values: dict[str, str]) -> list[str]:
        pair = f"{values['postgresServicePassword']}\n{values['redisPassword']}\n"
        command = ["kubectl", "exec", "--stdin", "deployment/service", "-n", outputs["namespace"], "--"]
        answer = subprocess.run(
            [*command, "python3", "-c", ASK],
            env=environment,
            input=pair,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.split()

    old = {name.value: stacks.secret(STACK, name) for name in ROTATED}
    assert logins(old) == ["in", "in"]
    for name in ROTATED:
        assert slipway("secrets", "rotate", name.value).returncode == 0
    new = {name.value: stacks.secret(STACK, name) for name in ROTATED}
    assert logins(old) == ["in", "in"]  # nothing changes before up
    watch = Watch(api)
    up = slipway("up")
    away = watch.end()
    assert up.returncode == 0, up.stdout + up.stderr
    assert (logins(new), logins(old)) == (["in", "in"], ["refused", "refused"])
    assert api.get("/health").json()["status"] == "healthy"
    with capsys.disabled():
        print(f"\na rotation of both passwords: requests failed within {away:.0f} s of the up")
