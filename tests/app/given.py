"""PostgreSQL and Redis that somebody else runs, as a pipeline's job does: TEST_POSTGRES_URL, TEST_REDIS_URL.

Tests that stop or freeze a server carry the mark ``own_servers`` and are left out there.
"""

from __future__ import annotations

import os
import signal
from typing import NoReturn
from urllib.parse import urlsplit

import pytest

from tests.app.servers import Postgres, RedisServer

POSTGRES, REDIS = "TEST_POSTGRES_URL", "TEST_REDIS_URL"


class GivenPostgres(Postgres):
    """A server whose superuser is named in the address; what was created goes with ``remove``."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 5432
        self.password, self.client = parts.password or "", "psql"
        self._created: list[str] = []

    def start(self) -> None:
        """Answers as soon as it is given."""
        assert self.sql("SELECT 1") == "1"

    def create(self, name: str) -> None:
        """See Postgres."""
        self._created.append(name)
        super().create(name)

    def remove(self) -> None:
        """Drops what was created here and is still there."""
        for name in self._created:
            self.sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            self.sql(f"DROP ROLE IF EXISTS {name}_owner, {name}_service")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Refused."""
        _refuse()

    def send(self, sig: signal.Signals) -> None:
        """Refused."""
        _refuse()


class GivenRedis(RedisServer):
    """A server that is empty, or whose keys nobody misses."""

    def __init__(self, url: str) -> None:
        self._address = url
        self.port, self.password = urlsplit(url).port or 6379, urlsplit(url).password or ""

    @property
    def address(self) -> str:
        """As it was given."""
        return self._address

    def start(self) -> None:
        """It runs already."""

    def remove(self) -> None:
        """It goes on."""

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Refused."""
        _refuse()

    def send(self, sig: signal.Signals) -> None:
        """Refused."""
        _refuse()


def _refuse() -> NoReturn:
    pytest.fail("a given server cannot be stopped: mark the test own_servers")


def postgres() -> Postgres:
    """The given one, or one of our own."""
    url = os.environ.get(POSTGRES)
    return GivenPostgres(url) if url else Postgres()


def redis() -> RedisServer:
    """The given one, or one of our own."""
    url = os.environ.get(REDIS)
    return GivenRedis(url) if url else RedisServer()
