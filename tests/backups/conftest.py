"""The pod's program against a real PostgreSQL, object store and Redis, each on the loopback."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.app.conftest import run_migrations
from tests.app.servers import Postgres, RedisServer
from tests.backups.pitr_pod import Pod, running_pod
from tests.backups.servers import BUCKET, STACK, ObjectStore, key_files

DATABASE = "ledger"
ROWS = 2_000
# Descriptions of hash values hardly shrink: the dump of LARGE rows has parts enough for an upload to be
# interrupted between two of them.
LARGE = 120_000
Environ = Callable[..., dict[str, str]]
SEED = f"""
INSERT INTO users (clerk_user_id, email)
  SELECT 'user' || n, n || '@example.org' FROM generate_series(1, 20) n;
CREATE TEMP TABLE u AS SELECT id, row_number() OVER (ORDER BY clerk_user_id) n FROM users;
INSERT INTO transactions (user_id, date, description, amount, type)
  SELECT u.id, date '2026-01-01' + r % 300, '점심 ' || r, r % 90000, 'expense'
  FROM generate_series(1, {ROWS}) r JOIN u ON u.n = r % 20 + 1;
INSERT INTO clients (owner_id, name) SELECT id, '한빛식품 ' || n FROM u;
INSERT INTO vehicles (owner_id, license_plate) SELECT id, n || '가 1234' FROM u;
INSERT INTO drivers (owner_id, name) SELECT id, '김기사 ' || n FROM u;
INSERT INTO orders (owner_id, client_id, pickup_address, delivery_address, cargo_type, weight)
  SELECT c.owner_id, c.id, '서울시 강남구 ' || r, '부산시 해운대구 ' || r, 'frozen', 1 + r
  FROM generate_series(1, {ROWS}) r JOIN clients c ON c.id = r % 20 + 1;
INSERT INTO driver_locations (driver_id, recorded_at, latitude, longitude)
  SELECT d.id, timestamptz '2026-01-01 00:00Z' + r * interval '1 minute', 37.5, 127
  FROM generate_series(1, 100) r JOIN drivers d ON d.id = r % 20 + 1
"""  # noqa: S608  (constants)
BULK = f"""
CREATE TABLE bulk AS SELECT n AS id,
  (SELECT string_agg(encode(sha512((n * 10 + k)::text::bytea), 'base64'), '') FROM generate_series(1, 8) k) t
  FROM generate_series(1, {LARGE}) n;
ALTER TABLE bulk ADD PRIMARY KEY (id)
"""  # noqa: S608  (constants)


def make_database(server: Postgres, name: str) -> None:
    """A database with the service's own migrations and some rows of every module."""
    server.create(name)
    handlers = logging.getLogger().handlers[:]
    with contextlib.redirect_stdout(io.StringIO()):
        run_migrations(server.address("owner", name))
    logging.getLogger().handlers[:] = handlers
    server.sql(*SEED.split(";"), database=name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A server with the database ``ledger``: migrated, with rows."""
    server = Postgres()
    try:
        server.start()
        make_database(server, DATABASE)
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def large_server() -> Iterator[Postgres]:
    """A server of its own with enough data for several parts, for tests that hurt a server."""
    server = Postgres()
    try:
        server.start()
        server.create(DATABASE)
        server.sql("SET ROLE ledger_owner", *BULK.split(";"), database=DATABASE)
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def redis_server() -> Iterator[RedisServer]:
    """A running Redis."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def running_store() -> Iterator[ObjectStore]:
    """A store for the whole session; tests take ``store_server``."""
    server = ObjectStore()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def store_server(running_store: ObjectStore) -> ObjectStore:
    """An empty bucket with the product's policy."""
    running_store.empty()
    return running_store


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder BACKUP_KEYS."""
    folder = tmp_path_factory.mktemp("keys")
    key_files(folder)
    return folder


@pytest.fixture
def environment(store_server: ObjectStore, postgres_server: Postgres, keys: Path, tmp_path: Path) -> Environ:
    """``environment("writer", BACKUP_COMPRESSION="gzip")``: the variables of a pod of that store user."""

    def make(user: str, /, **changed: str) -> dict[str, str]:
        values = {
            "BACKUP_STACK": STACK,
            "BACKUP_BUCKET": BUCKET,
            "BACKUP_ENDPOINT": store_server.url,
            "BACKUP_CA_FILE": str(store_server.certificate),
            "AWS_ACCESS_KEY_ID": user,
            "AWS_SECRET_ACCESS_KEY": store_server.secrets[user],
            "BACKUP_KEYS": str(keys),
            "BACKUP_SCRATCH": str(tmp_path),
            "BACKUP_MODULES": "ledger,dispatch",
            "DATABASE_URL": postgres_server.address("owner", DATABASE),
            "DATABASE_SERVICE_ROLE": f"{DATABASE}_service",
        }
        return values | changed

    return make


@pytest.fixture(scope="module")
def pod(running_store: ObjectStore) -> Iterator[Pod]:
    """A database with an archive and its first base backup."""
    yield from running_pod(running_store)


@pytest.fixture
def table(pod: Pod, request: pytest.FixtureRequest) -> str:
    """A table of the test's own with five rows."""
    name = f"t_{abs(hash(request.node.name)):x}"
    pod.sql(f"CREATE TABLE {name} AS SELECT n AS id FROM generate_series(1, 5) n")  # noqa: S608
    return name
