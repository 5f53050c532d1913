"""Migration 0003 beside the version before it, and after a run that failed halfway."""

from __future__ import annotations

import pytest

from tests.app.conftest import run_migrations
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration
INSERT = "INSERT INTO users (clerk_user_id, email) VALUES ('{0}', '{0}@example.org')"
SAME_ADDRESS = "UPDATE users SET email = 'same@example.org'"
STATE = "SELECT convalidated FROM pg_constraint WHERE conname = 'ck_users_role'"
INDEX = "SELECT indisvalid AND indisunique FROM pg_index WHERE indexrelid = 'uq_users_local_email'::regclass"


def test_the_version_before_writes_on_in_the_new_schema(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner, "0002")
    postgres.sql(INSERT.format("before"), database=fresh_database)
    run_migrations(owner, "0003")
    postgres.sql(INSERT.format("after"), SAME_ADDRESS, database=fresh_database)
    roles = "SELECT string_agg(role, ' '), count(password_hash), count(disabled_at) FROM users"
    assert postgres.sql(roles, database=fresh_database) == "user user|0|0"


def test_a_run_that_failed_halfway_can_be_run_again(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner, "0003")
    postgres.sql(
        "UPDATE alembic_version SET version_num = '0002'",
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'uq_users_local_email'::regclass",
        database=fresh_database,
    )
    run_migrations(owner, "0003")
    assert postgres.sql(STATE, INDEX, database=fresh_database) == "t\nt"


def test_the_way_back_keeps_people(postgres: Postgres, fresh_database: str) -> None:
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner, "0003")
    postgres.sql(INSERT.format("local"), "UPDATE users SET password_hash = 'x'", database=fresh_database)
    run_migrations(owner, "0002", down=True)
    run_migrations(owner, "0003")
    assert postgres.sql("SELECT clerk_user_id FROM users", database=fresh_database) == "local"
