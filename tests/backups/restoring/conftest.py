"""One backup of one database, made once; every test gets the bucket with it and the server as it was."""

from __future__ import annotations

import io
import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from infra.backups import manifest
from infra.backups.__main__ import main
from tests.app.servers import Postgres, RedisServer
from tests.backups.conftest import make_database
from tests.backups.running import Said, begin, run
from tests.backups.servers import BUCKET, STACK, ObjectStore

LIVE = "ledger"
ROWS = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t)) FROM {table} t"
MORE = """
INSERT INTO ledger_books (user_id, revision) SELECT DISTINCT user_id, 1 FROM transactions;
UPDATE clients SET phone = '010-' || lpad(id::text, 4, '0') || '-0000';
UPDATE drivers SET phone = '+82 10 ' || lpad(id::text, 8, '0');
UPDATE driver_locations SET longitude = 127.03;
INSERT INTO deleted_users (clerk_user_id) VALUES ('gone');
INSERT INTO batch_jobs (user_id, kind, total_items, error)
  SELECT id, 'import', 1, 'Kim was not found' FROM users;
INSERT INTO batch_items (job_id, position, item) SELECT id, 0, '{"name": "Kim"}' FROM batch_jobs
"""


@dataclass
class Place:
    """A server, a store with one backup, and how the pod's program is run between them."""

    server: Postgres
    store: ObjectStore
    variables: dict[str, str]
    objects: dict[str, bytes]
    backup: str
    spoiled: bool = False  # whether the live database is to be made anew after the test

    def environment(self, **changed: str) -> dict[str, str]:
        """The variables of a pod that reads backups."""
        return self.variables | changed

    def run(self, *arguments: str, **changed: str) -> Said:
        """The program, whole, in this process: starting Python takes longer than most of its work."""
        variables = {**self.environment(**changed), "PATH": os.environ["PATH"]}
        handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
        output = io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(output):
            for name in set(os.environ) - set(variables):
                patch.delenv(name)
            for name, value in variables.items():
                patch.setenv(name, value)
            code = main(arguments)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        text = output.getvalue()
        return Said(code, [json.loads(line) for line in text.splitlines()], text)

    def begin(self, *arguments: str, **changed: str) -> Any:
        """The program, begun."""
        return begin(self.environment(**changed), *arguments)

    @property
    def dump_key(self) -> str:
        """Where the dump lies."""
        return f"{STACK}/{self.backup}/database.dump.zst.age"

    @property
    def manifest_key(self) -> str:
        """Where the manifest lies."""
        return f"{STACK}/{self.backup}/{manifest.NAME}"

    def forge(self, change: Callable[[dict[str, Any]], None]) -> None:
        """Another manifest, signed with the stack's own key."""
        key = (Path(self.variables["BACKUP_KEYS"]) / "signing-key").read_bytes().strip()
        body = manifest.opened("manifest", self.objects[self.manifest_key], key)
        change(body)
        self.store.put(self.manifest_key, manifest.signed(body, key))

    def databases(self) -> set[str]:
        """Every database whose name begins as the live one's."""
        query = f"SELECT datname FROM pg_database WHERE datname LIKE '{LIVE}%'"  # noqa: S608
        return set(self.server.sql(query).split())

    def facts(self, database: str = LIVE) -> str:
        """Enough of the rows to tell two states of a database apart."""
        return self.server.sql(*(ROWS.format(table=table) for table in TABLES), database=database)

    def scratch(self) -> list[str]:
        """What lies in the scratch folder."""
        return sorted(path.name for path in Path(self.variables["BACKUP_SCRATCH"]).iterdir())


TABLES = ("users", "transactions", "orders", "drivers", "driver_locations")


@pytest.fixture(scope="session")
def restoring_server() -> Iterator[Postgres]:
    """A server whose databases are renamed."""
    server = Postgres()
    try:
        server.start()
        make_database(server, LIVE)
        server.sql(*MORE.split(";"), database=LIVE)
        server.sql(f"CREATE DATABASE pristine TEMPLATE {LIVE} OWNER {LIVE}_owner")
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="session")
def made_backup(
    restoring_server: Postgres,
    running_store: ObjectStore,
    keys: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[dict[str, str], dict[str, bytes]]:
    """The variables, and every object of a backup of the live database."""
    variables = {
        "BACKUP_STACK": STACK,
        "BACKUP_BUCKET": BUCKET,
        "BACKUP_ENDPOINT": running_store.url,
        "BACKUP_CA_FILE": str(running_store.certificate),
        "BACKUP_KEYS": str(keys),
        "BACKUP_MODULES": "ledger,dispatch",
        "DATABASE_URL": restoring_server.address("owner", LIVE),
        "DATABASE_SERVICE_ROLE": f"{LIVE}_service",
    }
    running_store.empty()
    user = {"AWS_ACCESS_KEY_ID": "writer", "AWS_SECRET_ACCESS_KEY": running_store.secrets["writer"]}
    said = run(variables | user | {"BACKUP_SCRATCH": str(tmp_path_factory.mktemp("dump"))}, "dump")
    assert said.code == 0, said.output
    names = running_store.keys()
    return variables, {key: running_store.get(key) for key in names}


@pytest.fixture
def place(
    restoring_server: Postgres,
    store_server: ObjectStore,
    made_backup: tuple[dict[str, str], dict[str, bytes]],
    scratch: Path,
) -> Iterator[Place]:
    """The server with only its live database, the bucket with only its backup."""
    variables, objects = made_backup
    for key, data in objects.items():
        store_server.put(key, data)
    reader = {"AWS_ACCESS_KEY_ID": "reader", "AWS_SECRET_ACCESS_KEY": store_server.secrets["reader"]}
    backup = next(iter(objects)).split("/")[1]
    variables = variables | reader | {"BACKUP_SCRATCH": str(scratch)}
    made = Place(restoring_server, store_server, variables, objects, backup)
    yield made
    reset(restoring_server, live=made.spoiled)


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """BACKUP_SCRATCH."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


def reset(server: Postgres, *, live: bool) -> None:
    """Removes what a test has made; the ``live`` database too, which is then made anew."""
    names = server.sql("SELECT datname FROM pg_database WHERE datname NOT LIKE 'template%'").split()
    kept = {"postgres", "pristine"} | (set() if live else {LIVE})
    statements = [f"DROP DATABASE {name} WITH (FORCE)" for name in sorted(set(names) - kept)]
    if live:
        statements.append(f"CREATE DATABASE {LIVE} TEMPLATE pristine OWNER {LIVE}_owner")
    if statements:
        server.sql(*statements)


@contextmanager
def redis() -> Iterator[RedisServer]:
    """A Redis for one test."""
    server = RedisServer()
    try:
        server.start()
        yield server
    finally:
        server.remove()
