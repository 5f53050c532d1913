"""A restore beside the live database: what it makes, and what each fault does to it."""

from __future__ import annotations

import random
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.app.servers import wait_for
from tests.backups.restoring.conftest import LIVE, Place
from tests.backups.running import end

pytestmark = pytest.mark.integration
RESTORED = f"{LIVE}_restored"
OLDER = "take an older backup: slipway backup list names them; then find out who can write to the bucket"
LIST = "slipway backup list names those that there are"


@pytest.fixture(autouse=True)
def live_is_untouched(place: Place) -> Any:
    """Whatever becomes of a restore, the live database is what it was."""
    before = place.facts()
    yield
    assert place.facts() == before


def test_a_restore_is_the_live_database_again_beside_it(place: Place) -> None:
    said = place.run("restore", "--newest")
    assert said.result["database"] == RESTORED
    assert said.result["backup"] == place.backup
    assert place.facts(RESTORED) == place.facts()
    assert place.scratch() == []
    password = place.server.password
    assert password not in said.output


def test_the_service_may_do_in_a_restored_database_what_it_may_in_the_live_one(place: Place) -> None:
    place.run("restore")
    rights = (
        "SELECT table_name, privilege_type FROM information_schema.role_table_grants"  # noqa: S608
        f" WHERE grantee = '{LIVE}_service' ORDER BY 1, 2"
    )
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert place.server.sql(rights, database=RESTORED) == place.server.sql(rights, database=LIVE)
    assert place.server.sql(owners, database=RESTORED) == f"{LIVE}_owner"
    made = (f"SET ROLE {LIVE}_owner", "CREATE TABLE later ()", f"SET ROLE {LIVE}_service", "TABLE later")
    assert place.server.sql(*made, database=RESTORED) == ""


def test_the_planner_knows_the_restored_tables_at_once(place: Place) -> None:
    place.run("restore")
    known = "SELECT DISTINCT tablename FROM pg_stats WHERE schemaname = 'public'"
    filled = {"users", "transactions", "orders", "drivers"}
    assert filled <= set(place.server.sql(known, database=RESTORED).split())


def test_restoring_again_finds_that_nothing_is_left_to_do(place: Place) -> None:
    place.run("restore")
    again = place.run("restore", "--backup", place.backup)
    assert [line["event"] for line in again.lines] == ["found", "result"]


def test_a_moment_chooses_the_last_backup_before_it(place: Place) -> None:
    year = place.backup[:4]
    assert place.run("restore", "--at", f"{int(year) + 1}-01-01T00:00+09:00").result["backup"] == place.backup
    said = place.run("restore", "--at", "2020-01-01T00:00+09:00")
    assert said.code == 1
    assert said.problems[0].startswith(
        "backups: no backup is as old as 2020-01-01T00:00:00+09:00; the oldest"
    )


def test_a_truncated_dump_is_named_so(place: Place) -> None:
    data = place.objects[place.dump_key]
    place.store.put(place.dump_key, data[:-1000])
    what = f"has {len(data) - 1000} bytes, and the manifest says {len(data)}: it is cut off"
    assert place.run("restore").problems == [f"{place.dump_key}: {what} → {OLDER}"]
    assert place.databases() == {LIVE}


@pytest.mark.parametrize("position", [0.01, 0.5, 0.99])
def test_one_flipped_byte_is_named_so(place: Place, position: float) -> None:
    data = bytearray(place.objects[place.dump_key])
    data[int(len(data) * position)] ^= 1
    place.store.put(place.dump_key, bytes(data))
    what = "its SHA-256 is not the manifest's: bytes of it were changed in the store"
    assert place.run("restore").problems == [f"{place.dump_key}: {what} → {OLDER}"]
    assert place.databases() == {LIVE}


def test_every_table_that_differs_from_the_manifest_is_named(place: Place) -> None:
    def change(body: dict[str, Any]) -> None:
        for table in body["tables"]:
            if table["name"] == "orders":
                table["rows"] = 7
            if table["name"] == "users":
                table["keys"] = "0" * 64

    place.forge(change)
    assert place.run("restore").problems == [
        f"table orders: has 2000 rows, and the manifest says 7 → {OLDER}",
        f"table users: has 20 rows as the manifest says, but other primary keys → {OLDER}",
    ]


def test_a_manifest_that_is_missing_is_named_so(place: Place) -> None:
    place.store.root.delete_object(Bucket=place.variables["BACKUP_BUCKET"], Key=place.manifest_key)
    what = "is missing: without it nobody knows whether the dump is whole"
    said = place.run("restore", "--backup", place.backup)
    assert said.problems == [f"{place.manifest_key}: {what} → take another backup: {LIST}"]
    bucket, stack = place.variables["BACKUP_BUCKET"], place.variables["BACKUP_STACK"]
    what = f"the bucket {bucket} holds no backup of {stack}"
    assert place.run("restore").problems == [f"backups: {what} → make one: slipway backup now"]


def test_a_manifest_that_was_changed_is_named_forged(place: Place) -> None:
    data = place.objects[place.manifest_key].replace(b'"rows": 2000', b'"rows": 2001')
    place.store.put(place.manifest_key, data)
    what = "its signature does not fit: somebody has changed it"
    assert place.run("restore").problems == [f"{place.manifest_key}: {what} → {OLDER}"]


def test_a_manifest_of_another_backup_is_named_forged(place: Place) -> None:
    other = "20200101T000000Z-00000000"
    key = place.manifest_key.replace(place.backup, other)
    place.store.put(key, place.objects[place.manifest_key])
    what = f"is of the backup {place.backup} of {place.variables['BACKUP_STACK']}: somebody has put it here"
    assert place.run("restore", "--backup", other).problems == [f"{key}: {what} → {OLDER}"]


def test_a_wrong_key_is_named_so(place: Place, tmp_path: Path) -> None:
    keys = tmp_path / "other"
    keys.mkdir()
    ours = Path(place.variables["BACKUP_KEYS"])
    (keys / "signing-key").write_bytes((ours / "signing-key").read_bytes())
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / "identity"], check=True)
    (problem,) = place.run("restore", BACKUP_KEYS=str(keys)).problems
    assert problem.startswith(
        f"{place.dump_key}: cannot be decrypted with this stack's identity: age: error: "
    )
    assert problem.endswith("→ set the secret backupKey to the one it was made with")
    (keys / "signing-key").write_bytes(b"x" * 64)
    (problem,) = place.run("restore", BACKUP_KEYS=str(keys)).problems
    assert problem.startswith(f"{place.manifest_key}: was made with the key ")


def test_a_dump_of_a_newer_major_version_is_refused(place: Place) -> None:
    place.forge(lambda body: body.update(server_version="99.1 (Debian)"))
    what = "was made by PostgreSQL 99.1 (Debian), and this server is 15"
    remedy = f"restore it on PostgreSQL 99 or newer, or take an older backup: {LIST}"
    assert place.run("restore").problems == [f"{place.backup}: {what} → {remedy}"]
    assert place.databases() == {LIVE}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (
            ("--into", LIVE),
            f"--into: '{LIVE}' is the live database, which a restore never writes to"
            " → leave --into away: it is restored beside the live one, then swapped",
        ),
        (("--into", "postgres"), "--into: 'postgres' has another use → choose another name"),
        (
            ("--into", "x; DROP"),
            "--into: 'x; DROP' is no name: letters a to z, digits and _, at most 63 → choose another name",
        ),
        (
            ("--tables", "users"),
            "--tables: some tables alone cannot take the live database's place"
            " → say where to with --into NAME",
        ),
    ],
)
def test_a_name_that_may_not_be_used_is_refused(
    place: Place, arguments: tuple[str, ...], problem: str
) -> None:
    assert place.run("restore", *arguments).problems == [problem]
    assert place.databases() == {LIVE}


def test_a_database_that_no_restore_has_made_is_not_touched(place: Place) -> None:
    place.server.sql(f"CREATE DATABASE {RESTORED} OWNER {LIVE}_owner")
    place.server.sql(f"SET ROLE {LIVE}_owner; CREATE SCHEMA mine; CREATE TABLE mine.t ()", database=RESTORED)
    assert place.run("restore").problems == [
        f"database {RESTORED}: exists, and no restore has made it → rename or drop it, then run it again"
    ]


def test_the_remains_of_another_restore_are_replaced(place: Place) -> None:
    assert place.run("restore", "--mask").code == 0
    said = place.run("restore")
    assert [line["step"] for line in said.lines if line["event"] == "leftover"] == ["ready"]
    assert place.facts(RESTORED) == place.facts()


def test_of_two_restores_at_once_the_second_says_so_and_the_first_is_good(place: Place) -> None:
    first = place.begin("restore")
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"
    wait_for(lambda: place.server.sql(held) == "1", "the first holds the lock")
    second = place.run("restore")
    assert second.code == 3
    assert second.problems == [
        "restore: another restore, swap or undo is at work on this server"
        " → wait for its end, then run it again"
    ]
    assert end(first).code == 0
    assert place.facts(RESTORED) == place.facts()


@pytest.mark.slow
def test_killed_at_ten_moments_a_restore_is_simply_run_again(place: Place) -> None:
    chance = random.Random(20261128)
    for moment in sorted(chance.uniform(0.2, 3.0) for _ in range(10)):
        process = place.begin("restore")
        try:
            process.wait(moment)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        process.communicate()
    assert place.run("restore").code == 0
    assert place.facts(RESTORED) == place.facts()
    assert place.scratch() == []


def test_some_tables_come_with_what_can_hold_and_the_rest_is_named(place: Place) -> None:
    said = place.run("restore", "--tables", "transactions,categories", "--into", "part")
    names = "SELECT string_agg(tablename, ' ' ORDER BY 1) FROM pg_tables WHERE schemaname = 'public'"
    assert place.server.sql(names, database="part") == "categories transactions"
    assert {key["foreign_key"]: key["refers_to"] for key in said.result["left_out"]} == {
        "fk_categories_user_id": "public.users",
        "fk_transactions_user_id": "public.users",
        "fk_transactions_recurring_id": "public.recurring_transactions",
    }
    indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'transactions' ORDER BY 1"
    assert place.server.sql(indexes, database="part") == place.server.sql(indexes, database=LIVE)
    keys = "SELECT conname FROM pg_constraint WHERE contype = 'f'"
    assert place.server.sql(keys, database="part") == "fk_transactions_category_id"
    rows = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t)) FROM transactions t"
    assert place.server.sql(rows, database="part") == place.server.sql(rows, database=LIVE)


def test_a_table_that_the_backup_does_not_have_is_named(place: Place) -> None:
    (problem,) = place.run("restore", "--tables", "users,userz", "--into", "part").problems
    assert problem.startswith(f"--tables: 'userz' is no table of {place.backup} → tables of this backup: ")
