"""Personal data in a restored database: what is declared, against the models, and what becomes of it."""

from __future__ import annotations

import re

import pytest

from app.core.database import Base
from app.modules import REGISTRY
from infra.backups import masking
from infra.backups.modules import MODULES
from tests.backups.restoring.conftest import LIVE, Place

RESTORED = f"{LIVE}_restored"
PERSONAL = re.compile(
    r"name|mail|phone|address|plate|latitude|longitude|password|clerk|description|message|error$|item$|result|ip$"
    r"|birth|gender|token|secret|note|comment"
)
# Columns whose names only look so: what they hold is ours, or follows from a masked column.
NOBODYS = {("orders", "address_search")}


@pytest.mark.unit
def test_every_declared_column_exists_in_the_models() -> None:
    tables = Base.metadata.tables
    missing = [
        f"{table}.{column}"
        for table, column, _ in masking.declared()
        if table not in tables or column not in tables[table].columns
    ]
    assert missing == []


@pytest.mark.unit
def test_every_column_whose_name_looks_personal_is_declared() -> None:
    declared = {(table, column) for table, column, _ in masking.declared()}
    looks = {
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if PERSONAL.search(column.name)
    }
    assert looks - declared - NOBODYS == set()


@pytest.mark.unit
def test_every_module_of_the_service_is_known() -> None:
    assert set(MODULES) == {"core", *REGISTRY}


@pytest.mark.integration
def test_a_masked_restore_holds_nobodys_data_and_everything_else(place: Place) -> None:
    assert place.run("restore", "--mask").result["masked"] is True
    for table, column, masked in masking.declared():
        only = masked.only or "true"
        query = f"SELECT DISTINCT {column}::text FROM {table} WHERE {only} AND {column} IS NOT NULL"  # noqa: S608
        before = set(place.server.sql(query, database=LIVE).splitlines())
        after = set(place.server.sql(query, database=RESTORED).splitlines())
        assert not before & after, f"{table}.{column}"
        if masked.how.value not in {"json", "nothing", "place", "password"}:
            assert len(before) == len(after), f"{table}.{column} keeps apart what was apart"
    for query in (
        "SELECT id, user_id, date, amount, type, status FROM transactions ORDER BY id",
        "SELECT id, owner_id, status, weight FROM orders ORDER BY id",
        "SELECT id, name, emoji FROM categories WHERE is_default ORDER BY id",
    ):
        assert place.server.sql(query, database=RESTORED) == place.server.sql(query, database=LIVE)


@pytest.mark.integration
def test_masked_values_keep_their_form_and_follow_from_the_value(place: Place) -> None:
    place.run("restore", "--mask")
    phone = place.server.sql("SELECT phone FROM drivers ORDER BY id LIMIT 1", database=RESTORED)
    assert re.fullmatch(r"\+\d\d \d\d \d{8}", phone)
    email = place.server.sql("SELECT email FROM users LIMIT 1", database=RESTORED)
    assert re.fullmatch(r"[0-9a-f]{24}@masked\.invalid", email)
    search = "SELECT count(*) FROM orders WHERE address_search::text LIKE '%강남구%'"
    assert place.server.sql(search, database=RESTORED) == "0"
    first = place.facts(RESTORED)
    place.server.sql(f"DROP DATABASE {RESTORED}")
    place.run("restore", "--mask")
    assert place.facts(RESTORED) == first
