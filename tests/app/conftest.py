"""The service on a real PostgreSQL and Redis; each test has users of its own in one migrated database."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import structlog
from alembic import command
from alembic.config import Config
from fastapi import FastAPI
from sqlalchemy import event

from app import contract
from app.core import database, logs
from app.core import redis as link
from app.core.auth.users import Identity, Role
from app.core.cache import Cache
from app.core.context import Context
from app.main import create_app, make_context
from app.modules import REGISTRY
from app.settings import Settings
from tests.app import given
from tests.app.computed import Replica, replicas
from tests.app.servers import Postgres, RedisServer

DATABASE = "ledger"
SECRET_KEY = "k3y-of-the-tests-0123456789-abcdefghij"
DEV_TOKEN = "t0ken-of-the-tests-0123456789-abcdefghij"
ALEMBIC_INI = Path(contract.__file__).with_name("alembic.ini")
Migrate = Callable[..., None]
ClientFor = Callable[[str], httpx.AsyncClient]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the machine reaches a test."""
    for variable in contract.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """Logging is one per process: whatever a test configures is undone."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True)
def patience(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine makes no server that is away; where a test stops one, the service's own limits count."""
    if request.node.get_closest_marker("own_servers") is None:
        monkeypatch.setattr(link, "OPERATION_SECONDS", 60.0)
        monkeypatch.setattr(database, "CONNECT_SECONDS", 60.0)


def alembic_config() -> Config:
    """The image's alembic.ini."""
    return Config(str(ALEMBIC_INI))


def run_migrations(address: str, revision: str = "head", *, down: bool = False) -> None:
    """What `python -m alembic upgrade` does, in this process, so that its coverage counts."""
    before = os.environ.get("DATABASE_URL")
    os.environ["DATABASE_URL"] = address
    try:
        (command.downgrade if down else command.upgrade)(alembic_config(), revision)
    finally:
        os.environ.pop("DATABASE_URL")
        if before is not None:
            os.environ["DATABASE_URL"] = before


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server with the migrated database ``ledger``."""
    server = given.postgres()
    try:
        server.start()
        server.create(DATABASE)
        handlers = logging.getLogger().handlers[:]
        run_migrations(server.address("owner", DATABASE))
        logging.getLogger().handlers[:] = handlers
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis() -> Iterator[RedisServer]:
    """A running Redis."""
    server = given.redis()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def fresh_database(postgres: Postgres) -> Iterator[str]:
    """The name of an empty database with its two roles."""
    name = f"d{uuid.uuid4().hex[:12]}"
    postgres.create(name)
    yield name
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)", f"DROP ROLE {name}_owner, {name}_service")


@pytest.fixture
def settings(postgres: Postgres, redis: RedisServer) -> Settings:
    """Development settings on the real servers, with small pools."""
    return make_settings(postgres.address("service", DATABASE), redis.address)


def make_settings(database_url: str, redis_url: str, **changed: object) -> Settings:
    """Settings with these addresses; anything else may be changed by name."""
    values: dict[str, object] = {
        "environment": "development",
        "secret_key": SECRET_KEY,
        "dev_token": DEV_TOKEN,
        "database_url": database_url,
        "redis_url": redis_url,
        "modules": tuple(REGISTRY),
        "database_pool_size": 5,
        "version": "test",
        "rate_limit_per_minute": 1_000_000,  # the tests share one address
        "rate_limit_per_hour": 1_000_000,
        "rate_limit_per_day": 1_000_000,
        "rate_limit_routes": ("/api/v1/auth/login=1000000/1000000/1000000",),
    }
    return Settings.model_validate(values | changed)


@dataclass
class TokenTable:
    """Stands where tokens are checked: "user:<name>" and "admin:<name>" are that person in that role."""

    unique: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def identify(self, token: str) -> Identity | None:
        """One identity for each name, and no two tests share one."""
        role, _, name = token.partition(":")
        if role not in set(Role):
            return None
        return Identity(f"{self.unique}-{name}", f"{name}@example.org", Role(role))


@pytest.fixture
async def context(settings: Settings) -> AsyncIterator[Context]:
    """The parts of one application, closed at the end of the test."""
    logs.configure("INFO", settings.secrets())
    made = make_context(settings, {name: module.settings() for name, module in REGISTRY.items()})
    made.authenticator = TokenTable()
    yield made
    await made.close()


@pytest.fixture
def service(context: Context) -> FastAPI:
    """The application."""
    return create_app(context)


@pytest.fixture
async def client_for(service: FastAPI) -> AsyncIterator[ClientFor]:
    """``client_for("alice")``: an HTTP client that sends alice's token; "" sends none, and "admin:root" the
    token of an admin."""
    made: list[httpx.AsyncClient] = []

    def make(name: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(service, raise_app_exceptions=True)
        token = name if ":" in name else f"user:{name}"
        headers = {"Authorization": f"Bearer {token}"} if name else {}
        made.append(httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers))
        return made[-1]

    yield make
    for client in made:
        await client.aclose()


@pytest.fixture
def alice(client_for: ClientFor) -> httpx.AsyncClient:
    """One user."""
    return client_for("alice")


@pytest.fixture
def bob(client_for: ClientFor) -> httpx.AsyncClient:
    """Another user."""
    return client_for("bob")


@pytest.fixture
def admin(client_for: ClientFor) -> httpx.AsyncClient:
    """An admin."""
    return client_for("admin:root")


@pytest.fixture
def anonymous(client_for: ClientFor) -> httpx.AsyncClient:
    """Nobody."""
    return client_for("")


@pytest.fixture
def add(alice: httpx.AsyncClient) -> Callable[..., Awaitable[dict[str, object]]]:
    """``await add(date=…, amount=…)``: a stored entry of alice's."""

    async def create(client: httpx.AsyncClient = alice, **fields: object) -> dict[str, object]:
        entry = {"date": "2026-01-15", "description": "점심", "amount": "12000", "type": "expense"}
        response = await client.post("/transactions", json=entry | fields)
        assert response.status_code == 201, response.text
        stored: dict[str, object] = response.json()
        return stored

    return create


@pytest.fixture
def statements(context: Context) -> Iterator[list[str]]:
    """The SQL of every statement sent for requests."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    event.listen(context.database.engine.sync_engine, "before_cursor_execute", note)
    yield sent
    event.remove(context.database.engine.sync_engine, "before_cursor_execute", note)


@pytest.fixture
async def replica(redis: RedisServer) -> AsyncIterator[Replica]:
    """See replicas."""
    async with replicas(redis) as make:
        yield make


@pytest.fixture
def cache(replica: Replica) -> Cache:
    """One process's cache."""
    return replica()
