"""Migrations beside a working service: nobody waits for them, and what failed halfway is made good."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, event

from app.core.health import REVISIONS
from app.migrations.phases import VERSIONS, Phase
from tests.app import schema
from tests.app.conftest import run_migrations
from tests.app.servers import Postgres, wait_for
from tests.app.test_migrations import start

pytestmark = pytest.mark.integration
BUILDING = "SELECT count(*) FROM pg_stat_progress_create_index"
USER = "INSERT INTO users (clerk_user_id, email) VALUES ('x', 'x')"
TEMPLATE = """
INSERT INTO recurring_transactions
  (user_id, template_name, description, amount, type, start_date, day_of_month)
SELECT id, '', '', 1, 'expense', '2026-01-01', 1 FROM users
"""
ENTRIES = """
INSERT INTO transactions (user_id, date, description, amount, type, recurring_id)
SELECT r.user_id, '2026-01-15'::date + n, '', 1, 'expense', r.id
FROM recurring_transactions r, generate_series(1, 2000) n
"""
# Holds every UPDATE of a template up, without waiting for a lock, until the test has let go of this one.
GATE = 7
HELD = f"""
CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  WHILE NOT pg_try_advisory_xact_lock({GATE}) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN NEW; END $$
"""
REFUSED = "CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'refused'; END $$"
TRIGGER = "CREATE TRIGGER held BEFORE UPDATE ON recurring_transactions FOR EACH ROW EXECUTE FUNCTION held()"
FILLING = (
    "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%UPDATE recurring%' AND wait_event = 'PgSleep'"
)
DONE = "SELECT generated_until FROM recurring_transactions ORDER BY 1"
# A statement that would wait for a lock fails instead, however slow the machine is.
IMPATIENT = "SET lock_timeout = '100ms'"
BAD_STATEMENTS = [
    ("CREATE INDEX i ON users (email)", "stops writers"),
    ("CREATE UNIQUE INDEX i ON users (email)", "stops writers"),
    ("DROP INDEX i", "stops everybody"),
    ("ALTER TABLE users ADD COLUMN a INTEGER NOT NULL", "without a default"),
    ("ALTER TABLE users ADD COLUMN a UUID DEFAULT gen_random_uuid()", "no constant"),
    ("ALTER TABLE users ADD COLUMN a TEXT GENERATED ALWAYS AS (lower(email)) STORED", "computed"),
    ("ALTER TABLE users ALTER COLUMN email TYPE TEXT", "another type"),
    ("ALTER TABLE users ALTER COLUMN email SET NOT NULL", "reads the whole table"),
    ("ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '')", "rows are checked"),
    ("ALTER TABLE users ADD CONSTRAINT c FOREIGN KEY(a) REFERENCES b (c)", "rows are checked"),
    ("ALTER TABLE users ADD CONSTRAINT c UNIQUE (email)", "not made CONCURRENTLY"),
    ("ALTER TABLE users DROP COLUMN email", "still reads it"),
    ("ALTER TABLE users RENAME email TO mail", "the old name"),
    ("DROP TABLE users", "others are using it"),
]
CONTRACTING = {  # of these, what a contract revision is for
    "ALTER TABLE users ADD COLUMN a INTEGER NOT NULL",
    "ALTER TABLE users DROP COLUMN email",
    "ALTER TABLE users RENAME email TO mail",
    "DROP TABLE users",
}
GOOD_STATEMENTS = [
    "CREATE INDEX CONCURRENTLY i ON users (email)",
    "CREATE INDEX i ON news (email)",
    "DROP INDEX CONCURRENTLY i",
    "ALTER TABLE users ADD COLUMN a INTEGER",
    "ALTER TABLE users ADD COLUMN a INTEGER DEFAULT 1 NOT NULL",
    "ALTER TABLE users ADD COLUMN a TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL",
    "ALTER TABLE users ADD CONSTRAINT c CHECK (email <> '') NOT VALID",
    "ALTER TABLE users VALIDATE CONSTRAINT c",
    "ALTER TABLE users ADD CONSTRAINT c UNIQUE USING INDEX i",
    "CREATE TABLE news (a UUID NOT NULL, FOREIGN KEY(a) REFERENCES users (id))",
    "UPDATE users SET email = 'x'",
]


@pytest.fixture
def before_indexes(postgres: Postgres, fresh_database: str) -> Iterator[psycopg.Connection]:
    """The service's connection to a ledger with rows, one migration before its indexes."""
    run_migrations(postgres.address("owner", fresh_database), "0007")
    postgres.sql(USER, TEMPLATE, ENTRIES, database=fresh_database)
    with psycopg.connect(postgres.address("service", fresh_database)) as connection:
        yield connection


@pytest.mark.unit
@pytest.mark.parametrize(("statement", "why"), BAD_STATEMENTS)
def test_a_statement_that_holds_others_up_is_found(statement: str, why: str) -> None:
    assert why in (schema.unsafe(statement, {"users"}) or "")


@pytest.mark.unit
@pytest.mark.parametrize(("statement", "why"), [case for case in BAD_STATEMENTS if case[0] in CONTRACTING])
def test_a_contract_revision_may_take_away_and_still_hold_nobody_up(statement: str, why: str) -> None:
    assert schema.unsafe(statement, {"users"}, Phase.CONTRACT) is None
    assert schema.unsafe("CREATE INDEX i ON users (email)", {"users"}, Phase.CONTRACT)


@pytest.mark.unit
@pytest.mark.parametrize("statement", GOOD_STATEMENTS)
def test_a_statement_that_holds_nobody_up_may_stay(statement: str) -> None:
    assert schema.unsafe(statement, {"users"}) is None


def test_no_migration_holds_up_who_uses_a_table(postgres: Postgres, fresh_database: str) -> None:
    found: list[str] = []
    used: set[str] = set()

    def look(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if why := schema.unsafe(statement, used, revision.phase):
            found.append(f"{revision.id}: {why}: {statement}")

    event.listen(Engine, "before_cursor_execute", look)
    try:
        for revision in REVISIONS:
            used |= schema.tables(postgres, fresh_database)
            run_migrations(postgres.address("owner", fresh_database), revision.id)
    finally:
        event.remove(Engine, "before_cursor_execute", look)
    assert found == []
    assert len(used) > len(REVISIONS)


@pytest.mark.unit
@pytest.mark.parametrize("path", sorted(VERSIONS.glob("[0-9]*.py")), ids=lambda path: path.stem)
def test_every_migration_says_whether_it_expands_or_contracts(path: Path) -> None:
    assert re.search(r"\b(expand|contract)", ast.get_docstring(ast.parse(path.read_text())) or "", re.I)


def test_an_index_is_made_while_others_read_and_write(
    postgres: Postgres, fresh_database: str, before_indexes: psycopg.Connection
) -> None:
    writer = psycopg.connect(postgres.address("service", fresh_database))
    writer.execute("UPDATE transactions SET amount = 2 WHERE date = '2026-01-16'")  # and does not commit yet
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(start, postgres.address("owner", fresh_database))
        wait_for(lambda: postgres.sql(BUILDING, database=fresh_database) != "0", "the index is being made")
        before_indexes.execute(IMPATIENT)
        before_indexes.commit()
        for number in range(20):
            before_indexes.execute(ENTRIES.replace("2000", "1"))
            before_indexes.execute("UPDATE transactions SET amount = 3 WHERE date = '2026-01-17'")
            before_indexes.execute("DELETE FROM transactions WHERE date = %s", [f"2027-01-{number + 1:02}"])
            before_indexes.execute("SELECT count(*) FROM transactions")
            before_indexes.commit()
        assert postgres.sql(BUILDING, database=fresh_database) != "0"  # it was there all the time
        writer.commit()
        writer.close()
        done = run.result()
    assert done.returncode == 0, done.stdout


def test_an_index_that_failed_is_made_again(
    postgres: Postgres, fresh_database: str, before_indexes: psycopg.Connection
) -> None:
    owner = postgres.address("owner", fresh_database)
    spoil = "UPDATE transactions SET occurrence = '2026-01-01' WHERE date < '2026-01-18'"
    postgres.sql(spoil, database=fresh_database)
    failed = start(owner)
    assert failed.returncode != 0
    assert "could not create unique index" in failed.stdout
    name = "uq_transactions_recurring_occurrence"
    valid = f"SELECT indisvalid FROM pg_index WHERE indexrelid = '{name}'::regclass"  # noqa: S608
    assert postgres.sql(valid, database=fresh_database) == "f"
    assert postgres.sql("TABLE alembic_version", database=fresh_database) == "0007"
    postgres.sql("UPDATE transactions SET occurrence = NULL", database=fresh_database)
    again = start(owner)
    assert again.returncode == 0, again.stdout
    assert postgres.sql(valid, database=fresh_database) == "t"


def test_two_runs_beside_a_writer_are_no_deadlock(
    postgres: Postgres, fresh_database: str, before_indexes: psycopg.Connection
) -> None:
    before_indexes.execute("UPDATE transactions SET amount = 2")  # and does not commit yet
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(start, postgres.address("owner", fresh_database)) for _ in range(2)]
        wait_for(lambda: postgres.sql(BUILDING, database=fresh_database) != "0", "the index is being made")
        before_indexes.commit()
        done = [run.result() for run in runs]
    assert [run.returncode for run in done] == [0, 0], [run.stdout for run in done]


@pytest.fixture
def before_months(postgres: Postgres, fresh_database: str) -> str:
    """The owner's address of a ledger with rows, one migration before its months are noted."""
    owner = postgres.address("owner", fresh_database)
    run_migrations(owner, "0005")
    postgres.sql(USER, TEMPLATE, ENTRIES, TEMPLATE, database=fresh_database)
    return owner


def test_templates_that_have_entries_are_done_up_to_the_last(
    postgres: Postgres, fresh_database: str, before_months: str
) -> None:
    run_migrations(before_months)
    assert postgres.sql(DONE, database=fresh_database) == "2031-07-01"


def test_months_are_noted_while_others_read_and_write(
    postgres: Postgres, fresh_database: str, before_months: str
) -> None:
    postgres.sql(HELD, TRIGGER, database=fresh_database)
    service = postgres.address("service", fresh_database)
    with psycopg.connect(service) as gate, psycopg.connect(service) as other, ThreadPoolExecutor(1) as pool:
        gate.execute("SELECT pg_advisory_xact_lock(%s)", [GATE])
        run = pool.submit(start, before_months, "-m", "alembic", "upgrade", "0006")
        try:
            wait_for(lambda: postgres.sql(FILLING, database=fresh_database) != "0", "months are being noted")
            other.execute(IMPATIENT)
            for table in ("transactions", "recurring_transactions"):
                assert other.execute(f"SELECT count(*) FROM {table}").fetchone() != (0,)  # noqa: S608
            other.execute(ENTRIES.replace("2000", "1"))
            other.execute(TEMPLATE)
            other.commit()
            assert postgres.sql(FILLING, database=fresh_database) != "0"  # it was there all the time
        finally:
            gate.commit()
        done = run.result()
    assert done.returncode == 0, done.stdout
    assert postgres.sql(DONE, database=fresh_database) == "2031-07-01"


def test_noting_months_that_failed_is_done_again(
    postgres: Postgres, fresh_database: str, before_months: str
) -> None:
    postgres.sql(REFUSED, TRIGGER, database=fresh_database)
    failed = start(before_months)
    assert failed.returncode != 0
    assert "refused" in failed.stdout
    assert postgres.sql("TABLE alembic_version", database=fresh_database) == "0005"
    postgres.sql("DROP TRIGGER held ON recurring_transactions", database=fresh_database)
    # A replica of the new version was here already.
    postgres.sql("UPDATE recurring_transactions SET generated_until = '2040-01-01'", database=fresh_database)
    again = start(before_months)
    assert again.returncode == 0, again.stdout
    assert postgres.sql(DONE, database=fresh_database) == "2040-01-01\n2040-01-01"
