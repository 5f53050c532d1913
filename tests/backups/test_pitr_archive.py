"""The archive, as PostgreSQL and the container beside it fill it: in time, and by two users of the store."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.render.backup_keys import User
from tests.app.servers import wait_for
from tests.backups.pitr_pod import (
    SECONDS,
    TIMEOUT,
    Pod,
    all_archived,
    archived,
    end,
    pgbackrest,
    running_pod,
)
from tests.backups.servers import BUCKET, STACK, ObjectStore

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def until_a_row_is_archived(pod: Pod, table: str) -> float:
    """Seconds from a commit until the archive has its segment."""
    all_archived(pod)
    before = archived(pod)
    begun = time.monotonic()
    pod.sql(f"INSERT INTO {table} VALUES (6)")  # noqa: S608
    wait_for(lambda: archived(pod) > before, "the row's segment is archived", SECONDS)
    return time.monotonic() - begun


def test_a_committed_row_is_in_the_archive_within_the_timeout_and_a_push(pod: Pod, table: str) -> None:
    pod.sql("CHECKPOINT")
    seconds = until_a_row_is_archived(pod, table)
    print(f"RPO with archive_timeout {TIMEOUT} s: {seconds:.2f} s")
    assert seconds <= TIMEOUT + 5  # a push takes 0.1 s on an idle machine; tests share theirs


def test_a_row_is_archived_in_time_after_a_restart_too(pod: Pod, table: str) -> None:
    keeper = pod.begin("keep")
    try:
        pod.stop()
        pod.start()
        pod.sql("SELECT pg_switch_wal()")
        seconds = until_a_row_is_archived(pod, table)
    finally:
        said = end(keeper, signal.SIGTERM)
    assert seconds <= TIMEOUT + 5, said.output


def test_the_archiver_s_user_adds_to_the_archive_and_can_neither_remove_nor_leave_it(
    pod: Pod, running_store: ObjectStore
) -> None:
    client = running_store.client(User.ARCHIVER)
    key = next(name for name in running_store.keys(f"{STACK}/pitr") if name.endswith("archive.info"))
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.delete_object(Bucket=BUCKET, Key=key)
    with pytest.raises(client.exceptions.ClientError, match="AccessDenied"):
        client.create_multipart_upload(Bucket=BUCKET, Key=f"{STACK}/elsewhere")
    assert b"[backrest]" not in running_store.get(key)  # encrypted


def test_no_secret_is_in_an_argument_an_environment_or_a_log(pod: Pod) -> None:
    lines = (pod.folder / User.PITR / "pgbackrest.conf").read_text().splitlines()
    secrets = [
        line.partition("=")[2]
        for line in lines
        if line.startswith(("repo1-cipher-pass", "repo1-s3-key-secret"))
    ]
    process = pod.begin("keep")
    seen = ""
    try:
        wait_for(lambda: pgbackrest(pod, User.PITR, "info"), "the repository answers", SECONDS)
        seen = "".join(_told(file) for file in Path("/proc").glob("[0-9]*/cmdline"))
        seen += _told(Path(f"/proc/{process.pid}/environ"))
    finally:
        said = end(process, signal.SIGTERM)
    assert len(secrets) == 2
    assert not [word for word in secrets if word in seen + said.output + pod.log()]


def _told(file: Path) -> str:
    try:
        return file.read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return ""  # it has ended


@pytest.fixture
def bare(running_store: ObjectStore) -> Iterator[Pod]:
    """A database whose archive was just switched on."""
    yield from running_pod(running_store, backup=False)


def test_the_loop_makes_the_first_full_backup_at_once_and_leaves_when_it_is_told(bare: Pod) -> None:
    process = bare.begin("keep")
    try:
        wait_for(lambda: '"full"' in pgbackrest(bare, User.PITR, "--output=json", "info"), "backup", SECONDS)
    finally:
        begun = time.monotonic()
        said = end(process, signal.SIGTERM)
    assert said.code == 128 + signal.SIGTERM, said.output
    assert time.monotonic() - begun < 10
    status = bare.program("status").result
    assert [found["kind"] for found in status["backups"]] == ["full"]
    assert status["archiver"]["last_archived"]
