"""The rehearsal of a restore: silent after a good one, and each corruption by name, in a signed record."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from infra.backups import drill, records
from infra.backups.modules import MODULES, Check
from infra.render.service import schema_head
from tests.app.servers import POSTGRES_BIN
from tests.backups.restoring.conftest import LIVE, Place
from tests.backups.servers import STACK

pytestmark = pytest.mark.integration
MODULES_ON = ("core", "ledger", "dispatch")


@pytest.fixture
def scratch() -> Iterator[Path]:
    """BACKUP_SCRATCH: with a short path for the socket, and open to the user that PostgreSQL runs as."""
    folder = Path(tempfile.mkdtemp(prefix="scratch-"))
    folder.chmod(0o755)
    yield folder
    assert list(folder.iterdir()) == []
    folder.rmdir()


def recorded(place: Place) -> records.Drill:
    """The one record of the backup's drill, its signature checked."""
    (key,) = place.store.keys(f"{STACK}/drills")
    signing_key = (Path(place.variables["BACKUP_KEYS"]) / "signing-key").read_bytes().strip()
    return records.read(key, place.store.get(key), signing_key)


def found(place: Place, **changed: str) -> list[str]:
    """What a failing drill records, each also told as a problem."""
    said = place.run("drill", **changed)
    assert said.code == 1, said.output
    assert said.lines[-1]["event"] == "result"
    record = recorded(place)
    assert record.result == "failed"
    assert len(said.problems) == len(record.findings) > 0
    assert all(problem.split(" → ")[0] in " ".join(record.findings) for problem in said.problems)
    return list(record.findings)


def test_after_a_good_drill_there_is_a_record_and_no_problem(place: Place) -> None:
    said = place.run("drill", BACKUP_SCHEMA_HEAD=schema_head())
    assert said.result["result"] == "ok"
    assert [line for line in said.lines if line["event"] in {"problem", "warning"}] == []
    record = recorded(place)
    assert (record.backup, record.result, record.findings) == (place.backup, "ok", ())
    assert record.seconds > 0


def test_a_drill_needs_no_database_of_the_stack(place: Place) -> None:
    assert place.run("drill", DATABASE_URL="").result["result"] == "ok"


def test_a_schema_that_the_service_has_left_behind_is_worth_a_word(place: Place) -> None:
    said = place.run("drill", BACKUP_SCHEMA_HEAD="next")
    assert said.result["result"] == "ok"
    assert [line["what"] for line in said.lines if line["event"] == "warning"] == [
        f"the backup has the schema {schema_head()}, the service next: its migrations run after a restore"
    ]


def test_a_truncated_dump_is_found(place: Place) -> None:
    data = place.objects[place.dump_key]
    place.store.put(place.dump_key, data[: len(data) // 2])
    what = f"has {len(data) // 2} bytes, and the manifest says {len(data)}: it is cut off"
    assert found(place) == [f"dump-truncated: {place.dump_key}: {what}"]


def test_one_flipped_byte_is_found(place: Place) -> None:
    data = bytearray(place.objects[place.dump_key])
    data[len(data) // 2] ^= 0x10
    place.store.put(place.dump_key, bytes(data))
    what = "its SHA-256 is not the manifest's: bytes of it were changed in the store"
    assert found(place) == [f"dump-altered: {place.dump_key}: {what}"]


def test_a_table_that_was_emptied_is_found(place: Place) -> None:
    """The dump is made anew without a table's rows; only the manifest's counts are what they were."""
    place.spoiled = True
    place.server.sql("TRUNCATE driver_locations", database=LIVE)
    environment = os.environ | {"PGPASSWORD": place.server.password}
    command = [str(POSTGRES_BIN / "pg_dump"), "-Fc", "-Z0", "-d", place.server.url("postgres", LIVE)]
    plain = subprocess.run(command, check=True, capture_output=True, env=environment).stdout
    packed = subprocess.run(["zstd", "-q"], input=plain, check=True, capture_output=True).stdout
    recipient = Path(place.variables["BACKUP_KEYS"]) / "recipient"
    sealed = subprocess.run(["age", "-R", recipient], input=packed, check=True, capture_output=True).stdout
    place.store.put(place.dump_key, sealed)

    def change(body: dict[str, Any]) -> None:
        body["objects"][0] |= {"bytes": len(sealed), "sha256": hashlib.sha256(sealed).hexdigest()}

    place.forge(change)
    assert found(place) == ["rows-differ: table driver_locations: has 0 rows, and the manifest says 100"]


def test_a_missing_manifest_is_found_as_soon_as_nobody_can_be_working_on_it(place: Place) -> None:
    place.store.root.delete_object(Bucket=place.variables["BACKUP_BUCKET"], Key=place.manifest_key)
    what = "is missing: without it nobody knows whether the dump is whole"
    assert found(place, BACKUP_DEADLINE_SECONDS="0") == [f"manifest-missing: {place.manifest_key}: {what}"]


def test_a_backup_that_is_being_made_is_not_drilled(place: Place) -> None:
    later = f"{int(place.backup[:4]) + 1}{place.backup[4:]}"
    place.store.put(f"{STACK}/{later}/database.dump.zst.age", b"half of it")
    assert place.run("drill").result["backup"] == place.backup


def test_a_forged_manifest_is_found(place: Place) -> None:
    place.store.put(
        place.manifest_key, place.objects[place.manifest_key].replace(b'"rows": 2000', b'"rows": 2001')
    )
    assert found(place) == [
        f"manifest-forged: {place.manifest_key}: its signature does not fit: somebody has changed it"
    ]


def test_a_wrong_key_is_found(place: Place, tmp_path: Path) -> None:
    keys = tmp_path / "other"
    shutil.copytree(place.variables["BACKUP_KEYS"], keys)
    (keys / "identity").unlink()
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", keys / "identity"], check=True)
    (one,) = found(place, BACKUP_KEYS=str(keys))
    assert one.startswith(f"wrong-key: {place.dump_key}: cannot be decrypted with this stack's identity: ")


def test_a_dump_that_is_none_is_found(place: Place) -> None:
    """Sealed, signed and complete, but not what pg_restore reads."""
    packed = subprocess.run(["zstd", "-q"], input=b"no dump", check=True, capture_output=True).stdout
    recipient = Path(place.variables["BACKUP_KEYS"]) / "recipient"
    sealed = subprocess.run(["age", "-R", recipient], input=packed, check=True, capture_output=True).stdout
    place.store.put(place.dump_key, sealed)

    def change(body: dict[str, Any]) -> None:
        body["objects"][0] |= {"bytes": len(sealed), "sha256": hashlib.sha256(sealed).hexdigest()}
        body["schema_revision"] = "0001"

    place.forge(change)
    (one,) = found(place)
    assert one.startswith("dump-unreadable: database drill: pg_restore cannot restore the dump: ")


def test_a_drill_without_any_backup_says_so(place: Place) -> None:
    place.store.empty()
    said = place.run("drill")
    assert said.problems[0].startswith("backups: the bucket team-backups holds no backup of ")
    assert place.store.keys() == {}


PLANTED: dict[str, tuple[str, ...]] = {
    "the schema has one revision": ("INSERT INTO alembic_version VALUES ('0001')",),
    "nobody is both a user and deleted": (
        "INSERT INTO deleted_users (clerk_user_id) SELECT clerk_user_id FROM users LIMIT 1",
    ),
    "a job has as many items as it says": ("DELETE FROM batch_items",),
    "a job's counts are those of its items": ("UPDATE batch_jobs SET processed_items = 1",),
    "there are default categories": ("DELETE FROM categories WHERE is_default",),
    "a category is nobody's exactly if it is a default": ("UPDATE categories SET is_default = false",),
    "an entry's category is its user's own or a default": (
        "UPDATE categories SET user_id = (SELECT min(id::text)::uuid FROM users), is_default = false",
        "UPDATE transactions SET category_id = (SELECT id FROM categories LIMIT 1)",
    ),
    "an entry's template is its user's own": (
        "INSERT INTO recurring_transactions (user_id, template_name, description, amount, type, start_date,"
        " day_of_month) SELECT id, '', '', 1, 'income', '2026-01-01', 1 FROM users LIMIT 1",
        "UPDATE transactions SET recurring_id = (SELECT id FROM recurring_transactions)",
    ),
    "a template's category is its user's own or a default": (
        "UPDATE categories SET user_id = (SELECT min(id::text)::uuid FROM users), is_default = false",
        "INSERT INTO recurring_transactions (user_id, template_name, description, amount, type, start_date,"
        " day_of_month, category_id) SELECT max(id::text)::uuid, '', '', 1, 'income', '2026-01-01', 1,"
        " (SELECT id FROM categories LIMIT 1) FROM users",
    ),
    "an entry's user exists": ("DELETE FROM users",),
    "whoever has entries has a book": ("DELETE FROM ledger_books",),
    "an order's client is its owner's": ("UPDATE clients SET owner_id = (SELECT id FROM users LIMIT 1)",),
    "a dispatch's order, vehicle and driver are its owner's": (
        "INSERT INTO dispatches (owner_id, order_id, vehicle_id, driver_id)"
        " SELECT o.owner_id, o.id, v.id, d.id FROM orders o, vehicles v, drivers d"
        " WHERE v.owner_id <> o.owner_id LIMIT 1",
    ),
    "an order under way has a dispatch under way": ("UPDATE orders SET status = 'ASSIGNED'",),
    "a dispatch under way has an order under way": (
        "INSERT INTO dispatches (owner_id, order_id, vehicle_id, driver_id)"
        " SELECT o.owner_id, o.id, v.id, d.id FROM orders o JOIN vehicles v USING (owner_id)"
        " JOIN drivers d USING (owner_id) LIMIT 1",
    ),
    "a dispatch has the status of its last step": (
        "INSERT INTO dispatches (owner_id, order_id, vehicle_id, driver_id)"
        " SELECT o.owner_id, o.id, v.id, d.id FROM orders o JOIN vehicles v USING (owner_id)"
        " JOIN drivers d USING (owner_id) LIMIT 1",
        "INSERT INTO dispatch_steps (dispatch_id, status) SELECT id, 'COMPLETED' FROM dispatches",
    ),
    "the next id is above every id": ("SELECT setval(pg_get_serial_sequence('orders', 'id'), 1)",),
}
CHECKS = [check for name in MODULES_ON for check in MODULES[name].checks]


def count(place: Place, check: Check, *planted: str) -> str:
    """The answer, after rows that no constraint keeps out; nothing of it stays."""
    before = ("BEGIN", "SET session_replication_role = replica", *planted)
    return place.server.sql(*before, check.query, "ROLLBACK", database=LIVE).splitlines()[-1]


def test_every_question_is_answered_by_none_on_a_good_database_and_finds_what_is_planted(
    place: Place,
) -> None:
    assert [check.name for check in CHECKS] == list(PLANTED)
    assert {check.name: count(place, check) for check in CHECKS} == dict.fromkeys(PLANTED, "0")
    silent = [check.name for check in CHECKS if count(place, check, *PLANTED[check.name]) == "0"]
    assert silent == []


def test_a_drill_names_the_question_that_does_not_hold(place: Place) -> None:
    place.spoiled = True
    place.server.sql("DELETE FROM ledger_books", database=LIVE)
    with psycopg.connect(place.server.address("owner", LIVE), autocommit=True) as connection:
        ((finding, problem),) = drill.violations(connection, ("ledger",))
    assert finding == "sanity-violated"
    assert (problem.where, problem.what) == (
        "module ledger",
        "'whoever has entries has a book' does not hold, 20 times",
    )
