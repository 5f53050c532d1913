"""What list, verify and retain make of a bucket that somebody or something has damaged."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.backups import manifest, records, retention
from infra.backups.records import Drill, Result
from infra.backups.store import Store
from infra.render.service import schema_head
from tests.backups.conftest import Environ
from tests.backups.running import here, run
from tests.backups.servers import STACK, ObjectStore

pytestmark = pytest.mark.integration

TAKE_OLDER = "→ " + manifest.REMEDY
DUMP, MANIFEST = "database.dump.zst.age", "manifest.json"
_made: dict[str, bytes] = {}


class Bucket:
    """The bucket with one good backup, and the means to damage it."""

    def __init__(self, store: ObjectStore, keys: Path, name: str) -> None:
        self.store, self.id = store, name
        self.key = (keys / "signing-key").read_bytes()

    def at(self, name: str, backup: str | None = None) -> str:
        return f"{STACK}/{backup or self.id}/{name}"

    def change(self, name: str, how: Callable[[bytes], bytes]) -> None:
        self.store.put(self.at(name), how(self.store.get(self.at(name))))

    def rewrite(self, *, key: bytes | None = None, **fields: Any) -> None:
        """Signs another manifest, with our key unless another is given."""
        body = manifest.opened("", self.store.get(self.at(MANIFEST)), self.key) | fields
        if key:
            body["key"] = manifest.key_id(key)
        self.store.put(self.at(MANIFEST), manifest.signed(body, key or self.key))

    def delete(self, name: str) -> None:
        self.store.root.delete_object(Bucket="team-backups", Key=self.at(name))

    def copy(self, backup: str) -> None:
        for name in (DUMP, MANIFEST):
            self.store.put(self.at(name, backup), self.store.get(self.at(name)))

    def aged(self, days: float, **fields: Any) -> str:
        """A good backup of that many days ago, made from the one that is there; its id."""
        body = manifest.opened("", self.store.get(self.at(MANIFEST)), self.key)
        moment = datetime.now(UTC) - timedelta(days=days)
        body |= {"id": manifest.new_id(moment, b"aged"), "created": moment.isoformat(), **fields}
        self.store.put(self.at(DUMP, body["id"]), self.store.get(self.at(DUMP)))
        self.store.put(self.at(MANIFEST, body["id"]), manifest.signed(body, self.key))
        name: str = body["id"]
        return name

    def drill(
        self, *findings: str, backup: str | None = None, key: bytes | None = None, seconds: float = 1.5
    ) -> Drill:
        """Writes the record of a drill of now."""
        made = Drill(
            backup=backup or self.id,
            stack=STACK,
            at=datetime.now(UTC).isoformat(),
            result=Result.FAILED if findings else Result.OK,
            seconds=seconds,
            findings=findings,
            key=manifest.key_id(key or self.key),
        )
        self.store.put("/".join((STACK, *made.parts)), records.write(made, key or self.key))
        return made


@pytest.fixture
def bucket(environment: Environ, store_server: ObjectStore, keys: Path) -> Bucket:
    """Made once by a real run, then put there again for each test."""
    if not _made:
        run(environment("writer"), "dump").result  # noqa: B018  (it asserts)
        _made.update({key: store_server.get(key) for key in store_server.keys()})  # noqa: SIM118
    for key, data in _made.items():
        store_server.put(key, data)
    return Bucket(store_server, keys, next(iter(_made)).split("/")[1])


def flipped(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


OTHER = b"a-signing-key-of-somebody-else-0123456789"
SIZE = "{dump}: has %s bytes, and the manifest says {size}"
NO_JSON = "{manifest}: is damaged: no signed JSON"
Damage = tuple[Callable[[Bucket], None], str]
DAMAGE: dict[str, Damage] = {
    "truncated": (lambda b: b.change(DUMP, lambda data: data[:-100]), SIZE % "{less}"),
    "longer": (lambda b: b.change(DUMP, lambda data: data + b"x"), SIZE % "{more}"),
    "missing": (lambda b: b.delete(DUMP), "{dump}: is missing, and the manifest names it"),
    "no manifest": (
        lambda b: b.delete(MANIFEST),
        "backup {id}: has no manifest: its run is still under way, or did not end well",
    ),
    "empty manifest": (lambda b: b.change(MANIFEST, lambda _: b""), NO_JSON),
    "half a manifest": (lambda b: b.change(MANIFEST, lambda data: data[:200]), NO_JSON),
    "a list": (lambda b: b.change(MANIFEST, lambda _: b"[]"), NO_JSON),
    "forged": (
        lambda b: b.change(
            MANIFEST, lambda data: data.replace(f'": "{schema_head()}"'.encode(), b'": "0007"')
        ),
        "{manifest}: its signature does not fit: somebody has changed it",
    ),
    "other fields": (
        lambda b: b.rewrite(tables=[{"rows": 1}]),
        "{manifest}: its fields are not those of a manifest",
    ),
    "another stack": (
        lambda b: b.rewrite(stack="endy-prod"),
        "{manifest}: belongs to endy-prod/{id}: somebody has copied it here",
    ),
}


def filled(message: str, bucket: Bucket) -> str:
    size = len(_made[bucket.at(DUMP)])
    return message.format(
        id=bucket.id,
        dump=bucket.at(DUMP),
        manifest=bucket.at(MANIFEST),
        size=size,
        less=size - 100,
        more=size + 1,
    )


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_named_by_list_and_by_verify(bucket: Bucket, environment: Environ, damage: str) -> None:
    how, message = DAMAGE[damage]
    how(bucket)
    [listed] = here(environment("reader"), "list").result["backups"]
    expected = filled(message, bucket)
    assert (listed["id"], listed["problem"]) == (bucket.id, expected)
    said = here(environment("reader"), "verify", bucket.id)
    assert (said.code, said.problems) == (1, [f"{expected} {TAKE_OLDER}"])


def test_one_flipped_bit_is_found_by_verify(bucket: Bucket, environment: Environ) -> None:
    assert here(environment("reader"), "verify", bucket.id).result["objects"] == [DUMP]
    bucket.change(DUMP, flipped)
    said = here(environment("reader"), "verify", bucket.id)
    message = f"{bucket.at(DUMP)}: its SHA-256 is not the manifest's: its bytes have changed"
    assert (said.code, said.problems) == (1, [f"{message} {TAKE_OLDER}"])


def test_a_backup_made_with_another_key_asks_for_that_key(bucket: Bucket, environment: Environ) -> None:
    bucket.rewrite(key=OTHER)
    [problem] = here(environment("reader"), "verify", bucket.id).problems
    assert f"was made with the key '{manifest.key_id(OTHER)}', and this stack has " in problem
    assert problem.endswith("→ set the secret backupKey to the one it was made with")


def test_a_backup_of_a_newer_format_asks_for_the_newer_version(bucket: Bucket, environment: Environ) -> None:
    bucket.rewrite(format=2)
    [problem] = here(environment("reader"), "verify", bucket.id).problems
    message = "has format 2, and this version reads 1 → use the version of slipway that made it"
    assert problem == f"{bucket.at(MANIFEST)}: {message}"


def test_a_copied_backup_is_no_second_one(bucket: Bucket, environment: Environ) -> None:
    copy = "20260101T000000Z-00000000"
    bucket.copy(copy)
    good, copied = here(environment("reader"), "list").result["backups"]
    assert (good["id"], good["problem"]) == (bucket.id, None)
    assert copied["problem"].endswith(f"belongs to {STACK}/{bucket.id}: somebody has copied it here")


def test_an_id_that_is_not_there_is_told(bucket: Bucket, environment: Environ) -> None:
    said = here(environment("reader"), "verify", "20260101T000000Z-00000000")
    message = (
        "backup 20260101T000000Z-00000000: is not there → slipway backup list names those that are there"
    )
    assert (said.code, said.problems) == (1, [message])


def test_a_good_drill_makes_a_backup_verified_and_a_later_bad_one_does_not(
    bucket: Bucket, environment: Environ
) -> None:
    good = bucket.drill()
    [listed] = here(environment("reader"), "list").result["backups"]
    assert (listed["verified"], listed["problem"]) == (good.at, None)
    bucket.drill("orders: 7 rows, and the manifest says 9")
    [listed] = here(environment("reader"), "list").result["backups"]
    assert listed["verified"] is None
    assert listed["problem"].endswith("failed: orders: 7 rows, and the manifest says 9")


def test_a_forged_record_verifies_nothing(bucket: Bucket, environment: Environ) -> None:
    made = bucket.drill(key=OTHER)
    [listed] = here(environment("reader"), "list").result["backups"]
    assert listed["verified"] is None
    assert listed["problem"].startswith("/".join((STACK, *made.parts)) + ": was made with the key")


def test_retain_removes_what_is_old_and_says_why(bucket: Bucket, environment: Environ) -> None:
    old, older = bucket.aged(40), bucket.aged(50)
    bucket.drill(backup=older)
    bucket.store.put(bucket.at("notes.txt", old), b"not ours")
    bucket.store.put(f"{STACK}/readme.txt", b"not ours")
    bucket.store.put(f"other/{old}/{MANIFEST}", b"another stack's")
    before = bucket.store.keys()
    dry = here(environment("keeper"), "retain", "--dry-run")
    assert (dry.result["removed"], bucket.store.keys()) == ([old], before)
    said = here(environment("keeper"), "retain")
    actions = {
        line["backup"]: (line["action"], line["reason"])
        for line in said.lines
        if line["event"] == "retention"
    }
    assert actions == {
        bucket.id: ("keep", "the newest of kind database"),
        old: ("remove", "40.0 days older than the newest; 30 are kept"),
        older: ("keep", "the newest that a drill has verified"),
    }
    gone = {bucket.at(DUMP, old), bucket.at(MANIFEST, old)}
    assert set(bucket.store.keys()) == set(before) - gone
    assert list(bucket.store.keys("other")) == [f"other/{old}/{MANIFEST}"]
    bucket.store.empty("other")


def test_what_was_removed_takes_no_room_after_a_week(
    bucket: Bucket, environment: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.aged(40)
    there = {key for key, _ in bucket.store.versions()}
    assert here(environment("keeper"), "retain").result["objects_ended"] == 0
    assert {key for key, _ in bucket.store.versions()} == there
    monkeypatch.setattr(retention, "GRACE", timedelta(days=-1))
    assert here(environment("keeper"), "retain").result["objects_ended"] == 2
    assert {key for key, _ in bucket.store.versions()} == set(_made)


def test_retain_removes_remains_only_when_no_run_can_still_be_writing_them(
    bucket: Bucket, environment: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    remains, now = "20260101T000000Z-00000000", Store.now
    bucket.store.put(bucket.at(DUMP, remains), b"half")
    assert remains in here(environment("keeper"), "retain").result["kept"]
    monkeypatch.setattr(
        Store, "now", lambda self: now(self) + timedelta(seconds=5)
    )  # it counts whole seconds
    said = here(environment("keeper", BACKUP_DEADLINE_SECONDS="0"), "retain")
    assert (said.result["removed"], said.result["kept"]) == ([remains], [bucket.id])
    assert set(bucket.store.keys()) == set(_made)


def test_retain_refuses_when_the_clocks_differ(
    bucket: Bucket, environment: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.aged(40)
    before, now = bucket.store.keys(), Store.now
    monkeypatch.setattr(Store, "now", lambda self: now(self) + timedelta(hours=2))
    said = here(environment("keeper"), "retain")
    assert said.code == 1
    assert said.problems[0].startswith("clocks: this pod has ")
    assert bucket.store.keys() == before


def test_a_store_that_refuses_a_request_for_its_time_says_that_clocks_differ(
    bucket: Bucket, environment: Environ, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = datetime.now(UTC)
    monkeypatch.setattr(
        "botocore.auth.get_current_datetime", lambda *_a, **_k: real.replace(tzinfo=None) + timedelta(hours=2)
    )
    [problem] = here(environment("reader"), "list").problems
    assert "RequestTimeTooSkewed" in problem
    assert problem.endswith("→ this pod's and the store's clocks differ: set both right (NTP); run it again")


def test_a_user_that_may_not_delete_removes_nothing(bucket: Bucket, environment: Environ) -> None:
    bucket.aged(40)
    before = bucket.store.keys()
    said = here(environment("writer"), "retain")
    assert said.code == 1
    assert "AccessDenied" in said.problems[0]
    assert bucket.store.keys() == before


def test_a_record_says_again_what_was_written(bucket: Bucket) -> None:
    made = bucket.drill("a table is empty")
    data = records.write(made, bucket.key)
    assert records.read("x", data, bucket.key) == made
    assert json.loads(data)["result"] == "failed"
