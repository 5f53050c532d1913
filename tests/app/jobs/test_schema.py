"""The queue's schema: the installed procrastinate's, made by a frozen migration, used with few rights."""

from __future__ import annotations

import os
import re
import subprocess

import pytest
from procrastinate.schema import SchemaManager, migrations_path

from app.core.jobs import schema
from tests.app.conftest import run_migrations
from tests.app.servers import POSTGRES_BIN, Postgres

LEFT = (
    "SELECT count(*) FROM (SELECT relname AS name FROM pg_class UNION ALL SELECT proname FROM pg_proc"
    " UNION ALL SELECT typname FROM pg_type) things WHERE name LIKE 'procrastinate%'"
)


def dumped(postgres: Postgres, database: str) -> list[str]:
    """The queue's things, line by line and in any order: columns added later stand last in their table."""
    dump = subprocess.run(
        [str(POSTGRES_BIN / "pg_dump"), "-sOx", "-d", postgres.url("postgres", database)],
        env=os.environ | {"PGPASSWORD": postgres.password},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    whole = [part for part in re.split(r"\n--\n-- Name: .*\n--\n", dump) if "procrastinate" in part]
    lines = (line.rstrip(",") for part in whole for line in part.splitlines())
    return sorted(line for line in lines if "restrict " not in line)


@pytest.mark.own_servers
@pytest.mark.integration
def test_the_migration_makes_the_schema_that_the_installed_procrastinate_wants(
    postgres: Postgres, fresh_database: str
) -> None:
    run_migrations(postgres.address("owner", fresh_database), "0005")
    made = dumped(postgres, fresh_database)
    run_migrations(postgres.address("owner", fresh_database), "0004", down=True)
    assert postgres.sql(LEFT, database=fresh_database) == "0"
    postgres.sql(SchemaManager.get_schema(), database=fresh_database)
    assert made == dumped(postgres, fresh_database)


@pytest.mark.integration
def test_a_migration_that_was_cut_short_is_simply_run_again(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner, "0004")
    first = schema.steps("", schema.FIRST_REVISION_LAST)[0].read_text(encoding="utf-8")
    postgres.sql(f"SET ROLE {fresh_database}_owner", first, database=fresh_database)
    run_migrations(owner, "0005")
    revision = postgres.sql("SELECT version_num FROM alembic_version", database=fresh_database)
    assert revision == "0005"


@pytest.mark.unit
def test_a_new_migration_of_the_library_needs_a_revision_of_ours() -> None:
    newest = max(path.name for path in migrations_path.glob("*.sql"))
    assert newest == schema.FIRST_REVISION_LAST, "write a revision that runs schema.steps(…); see ADR 0011"


@pytest.mark.unit
def test_steps_are_those_behind_one_up_to_another() -> None:
    names = [path.name for path in schema.steps("03.02", "03.03.00_01_pre_priority_lock_fetch_job.sql")]
    assert names == [
        "03.02.00_01_pre_batch_defer_jobs.sql",
        "03.02.00_50_post_batch_defer_jobs.sql",
        "03.03.00_01_pre_priority_lock_fetch_job.sql",
    ]


@pytest.mark.unit
def test_a_step_that_is_not_installed_is_named() -> None:
    with pytest.raises(ValueError, match=r"no migration 99\.00\.00\.sql"):
        schema.steps("", "99.00.00.sql")
