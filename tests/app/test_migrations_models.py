"""The models, the migrations and the version before agree about the schema, to the last index."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Connection, make_url

import app.main  # noqa: F401  (imports every module's models)
from app.core.database import Base
from app.core.health import KNOWN_REVISIONS
from tests.app import schema
from tests.app.conftest import DATABASE, run_migrations
from tests.app.servers import Postgres

pytestmark = pytest.mark.integration
BEFORE = "0002"  # the last revision of the version before
SEEDS = {  # the indexes that seeds 001 and 002 name, and what they begin with
    "idx_transactions_user_date": "btree (user_id, date DESC)",
    "idx_transactions_user_category": "btree (user_id, category_id)",
    "idx_recurring_user_active": "btree (user_id, is_active)",
    "idx_orders_status": "btree (status)",
    "idx_orders_created_at": "btree (created_at)",
    "idx_orders_status_created": "btree (status, created_at)",
    "idx_orders_address_fts": "gin (",
    "idx_dispatches_status": "btree (status)",
    "idx_dispatches_driver_id": "btree (driver_id",
    "idx_vehicles_license_plate": "btree (license_plate)",
}
BARE = """
SELECT c.conrelid::regclass || '.' || a.attname FROM pg_constraint c
JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
WHERE c.contype = 'f' AND c.conrelid::regclass::text NOT LIKE 'procrastinate%' AND NOT EXISTS (
  SELECT FROM pg_index i JOIN pg_class n ON n.oid = i.indexrelid JOIN pg_am m ON m.oid = n.relam
  WHERE i.indrelid = c.conrelid AND i.indkey[0] = c.conkey[1] AND m.amname = 'btree'
    AND coalesce(pg_get_expr(i.indpred, i.indrelid), '(' || a.attname || ' IS NOT NULL)')
        = '(' || a.attname || ' IS NOT NULL)')
"""


def connect(address: str) -> Iterator[Connection]:
    """A connection that reads and writes as the models do."""
    engine = create_engine(make_url(address).set(drivername="postgresql+psycopg"))
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@pytest.fixture
def owner(postgres: Postgres, fresh_database: str) -> Iterator[Connection]:
    """The schema's owner in an empty database."""
    yield from connect(postgres.address("owner", fresh_database))


@pytest.fixture
def service(postgres: Postgres, fresh_database: str) -> Iterator[Connection]:
    """The service in the same database."""
    yield from connect(postgres.address("service", fresh_database))


def test_every_foreign_key_has_an_index_to_be_looked_up_by(postgres: Postgres) -> None:
    assert postgres.sql(BARE, database=DATABASE) == ""


def test_the_migrations_make_exactly_what_the_models_say(
    postgres: Postgres, fresh_database: str, owner: Connection
) -> None:
    for name in postgres.sql("SELECT extname FROM pg_extension", database=DATABASE).split():
        owner.execute(text(f"CREATE EXTENSION IF NOT EXISTS {name}"))
    Base.metadata.create_all(owner)
    owner.commit()
    made, migrated = schema.facts(postgres, fresh_database), schema.facts(postgres, DATABASE)
    assert migrated - made == set()
    assert made - migrated == set()


def test_every_table_has_its_model(postgres: Postgres) -> None:
    assert schema.tables(postgres, DATABASE) == set(Base.metadata.tables)


@pytest.mark.parametrize("name", SEEDS)
def test_every_index_of_the_seeds_is_there(postgres: Postgres, name: str) -> None:
    found = postgres.sql(f"SELECT pg_get_indexdef('{name}'::regclass)", database=DATABASE)
    assert f"USING {SEEDS[name]}" in found


def test_the_version_before_finds_its_columns_as_they_were(postgres: Postgres, fresh_database: str) -> None:
    run_migrations(postgres.address("owner", fresh_database), BEFORE)
    before = schema.facts(postgres, fresh_database)
    run_migrations(postgres.address("owner", fresh_database))
    assert before - schema.facts(postgres, fresh_database) == set()


def test_the_version_before_writes_and_reads_on_the_present_schema(
    postgres: Postgres, fresh_database: str, owner: Connection, service: Connection
) -> None:
    run_migrations(postgres.address("owner", fresh_database), BEFORE)
    rows = schema.fill(owner, whole=True, again=True)  # these columns, and no others, are what it knows
    run_migrations(postgres.address("owner", fresh_database))
    for table in ("transactions", "recurring_transactions", "ledger_books", "users"):
        service.execute(text(f"DELETE FROM {table}"))  # noqa: S608  (names of the test's own)
    for table in ("users", "ledger_books", "categories", "recurring_transactions", "transactions"):
        keys = {"id": "gen_random_uuid()"} if table == "categories" else {}
        known = {name: value for name, value in rows[table].items() if name not in keys}
        names, values = ", ".join(known), ", ".join(f":{name}" for name in known)
        service.execute(text(f"INSERT INTO {table} ({names}) VALUES ({values})"), known)  # noqa: S608
        found = service.execute(text(f"SELECT {names} FROM {table}")).mappings().all()  # noqa: S608
        assert dict(known) in [dict(row) for row in found]
    service.execute(text("UPDATE transactions SET description = 'changed'"))
    service.execute(text("DELETE FROM recurring_transactions"))
    left = service.execute(text("SELECT description, recurring_id FROM transactions")).one()
    assert tuple(left) == ("changed", None)


def test_there_and_back_and_there_again_keeps_the_rows(
    postgres: Postgres, fresh_database: str, owner: Connection
) -> None:
    address = postgres.address("owner", fresh_database)

    def counts() -> dict[str, int]:
        names = schema.tables(postgres, fresh_database)
        return {
            name: postgres.sql(f"TABLE {name}", database=fresh_database).count("\n") + 1 for name in names
        }

    for revision in KNOWN_REVISIONS:
        before = schema.facts(postgres, fresh_database)
        kept = set(schema.tables(postgres, fresh_database))
        run_migrations(address, revision)
        schema.fill(owner)
        full, there = counts(), schema.facts(postgres, fresh_database)
        run_migrations(address, "-1", down=True)
        assert schema.facts(postgres, fresh_database) == before
        back = counts()
        assert {name: back[name] for name in kept - {"categories"}} == {
            name: full[name] for name in kept - {"categories"}
        }
        run_migrations(address, revision)
        assert schema.facts(postgres, fresh_database) == there
        schema.fill(owner)
