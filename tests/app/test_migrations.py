"""Migrations as the schema's owner: equal to the models, reversible, safe beside each other."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from app import contract
from app.core.health import KNOWN_REVISIONS
from tests.app import schema
from tests.app.conftest import DATABASE, alembic_config, run_migrations
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration
IMAGE_FOLDER = Path(contract.__file__).parent
TABLES = "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'public'"


def start(address: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command of the image, in a process of its own."""
    return subprocess.run(
        [sys.executable, *(arguments or contract.MIGRATION_COMMAND[1:])],
        cwd=IMAGE_FOLDER,
        env={"DATABASE_URL": address, "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.unit
def test_revisions_are_one_line_and_named_by_their_files() -> None:
    script = ScriptDirectory.from_config(alembic_config())
    assert tuple(revision.revision for revision in script.walk_revisions())[::-1] == KNOWN_REVISIONS
    assert script.get_heads() == [KNOWN_REVISIONS[-1]]


def test_the_models_are_what_the_migrations_make(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.address("owner", DATABASE))
    command.check(alembic_config())


def test_every_migration_has_its_way_back(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner)
    whole = postgres.sql(TABLES, database=fresh_database)
    assert {"alembic_version", "transactions", "users"} <= set(whole.split())
    for revision in reversed(KNOWN_REVISIONS):
        assert postgres.sql("SELECT version_num FROM alembic_version", database=fresh_database) == revision
        run_migrations(owner, "-1", down=True)
    assert postgres.sql(TABLES, database=fresh_database) == "alembic_version"
    run_migrations(owner)
    assert postgres.sql(TABLES, database=fresh_database) == whole
    assert postgres.sql("SELECT count(*) FROM categories", database=fresh_database) == "15"


def test_the_way_back_keeps_peoples_entries(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner)
    postgres.sql(
        "INSERT INTO users (clerk_user_id, email) VALUES ('x', 'x')",
        "INSERT INTO transactions (user_id, date, description, amount, type, category_id)"
        " SELECT u.id, '2026-01-01', '', 1, 'expense', c.id FROM users u, categories c WHERE c.name = '식비'",
        database=fresh_database,
    )
    run_migrations(owner, "0001", down=True)
    kept = postgres.sql("SELECT count(*), count(category_id) FROM transactions", database=fresh_database)
    assert kept == "1|0"


def test_two_runs_at_once_both_succeed_and_migrate_once(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda _: start(owner), range(3)))
    assert [run.returncode for run in runs] == [0, 0, 0], [run.stderr for run in runs]
    events = [json.loads(line)["event"] for run in runs for line in run.stdout.splitlines()]
    assert sum(event.startswith("Running upgrade  -> 0001") for event in events) == 1
    assert events.count("migrations done") == 3


def test_the_command_says_json_and_no_secret(postgres: Postgres, fresh_database: str) -> None:
    run = start(postgres.address("owner", fresh_database))
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1])["revision"] == KNOWN_REVISIONS[-1]
    assert postgres.password not in run.stdout + run.stderr


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (lambda _: "", "DATABASE_URL is not set"),
        (lambda address: address.replace("owner:", "owner:wrong"), "password authentication failed"),
        (lambda address: address + "_not", "does not exist"),
        (lambda _: "postgresql://u:hunter22hunter22@127.0.0.1:1/d", "Connect call failed"),
    ],
)
def test_a_run_that_cannot_begin_fails_in_words(postgres: Postgres, fault: object, reason: str) -> None:
    run = start(fault(postgres.address("owner", DATABASE)))  # type: ignore[operator]
    said = run.stdout + run.stderr
    assert run.returncode != 0
    assert reason in said
    assert "Traceback" not in said
    assert "hunter" not in said
    assert postgres.password not in said


def test_a_failed_run_raises_a_command_error(monkeypatch: pytest.MonkeyPatch) -> None:
    for address in ("", "postgresql://u:hunter22hunter22@127.0.0.1:1/d"):
        monkeypatch.setenv("DATABASE_URL", address)
        with pytest.raises(CommandError):
            command.upgrade(alembic_config(), "head")


def test_the_service_cannot_change_the_schema(postgres: Postgres, fresh_database: str) -> None:
    run_migrations(postgres.address("owner", fresh_database))
    before = schema.facts(postgres, fresh_database)
    run = start(postgres.address("service", fresh_database), "-m", "alembic", "downgrade", "base")
    assert run.returncode != 0
    assert re.search("permission denied|must be owner", run.stdout)
    assert schema.facts(postgres, fresh_database) == before


def test_the_service_cannot_pretend_another_revision(postgres: Postgres, fresh_database: str) -> None:
    run_migrations(postgres.address("owner", fresh_database))
    run = start(postgres.address("service", fresh_database), "-m", "alembic", "stamp", "0001")
    assert run.returncode != 0
    assert "permission denied for table alembic_version" in run.stdout
    kept = postgres.sql("SELECT version_num FROM alembic_version", database=fresh_database)
    assert kept == KNOWN_REVISIONS[-1]


def test_a_migration_does_not_wait_long_for_a_table(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner, "0005")
    holder = subprocess.Popen(
        ["psql", "-XqAt", "-d", postgres.url("postgres", fresh_database)],
        env=os.environ | {"PGPASSWORD": postgres.password},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    try:
        holder.stdin.write("BEGIN; SELECT count(*) FROM transactions;\n")
        holder.stdin.flush()
        assert holder.stdout.readline().strip() == "0"
        run = start(owner, "-m", "alembic", "upgrade", "0006")
    finally:
        holder.communicate("ROLLBACK;\n")
    assert run.returncode != 0
    assert "lock timeout" in run.stdout
