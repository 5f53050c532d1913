"""Restore to a second, with PostgreSQL, pgBackRest and the object store as they run in the pods."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest

from infra.render.backup_keys import User
from tests.app.servers import wait_for
from tests.backups.pitr_pod import SECONDS, Pod, all_archived, as_user, end
from tests.backups.servers import STACK, ObjectStore, Proxy

pytestmark = [pytest.mark.integration, pytest.mark.slow]


def rows(pod: Pod, table: str) -> int:
    return int(pod.sql(f"SELECT count(*) FROM {table}"))  # noqa: S608


def emptied(pod: Pod, table: str) -> str:
    """The moment before all rows went; the archive holds what came after it."""
    noted = pod.second()
    pod.sql(f"DELETE FROM {table}")  # noqa: S608
    assert pod.program("check", "--to", noted).result["target"] == noted
    return noted


def state(pod: Pod) -> dict[str, str]:
    found: dict[str, str] = json.loads((pod.volume / "restore.json").read_text())
    return found


def test_rows_that_were_deleted_after_a_second_are_back_when_that_second_is_restored(
    pod: Pod, table: str
) -> None:
    noted = emptied(pod, table)
    proof = pod.restore(noted).result["proof"]
    assert rows(pod, table) == 5
    assert proof["last_transaction"] <= noted.replace("T", " ") < proof["next_transaction"]
    assert proof["databases"] == [pod.settings.postgres.database]


def test_a_restore_can_be_undone_and_another_moment_restored_after_it(pod: Pod, table: str) -> None:
    noted = emptied(pod, table)
    pod.sql(f"INSERT INTO {table} VALUES (100)")  # noqa: S608
    assert pod.restore(noted).code == 0
    pod.stop()
    undone = pod.program("undo")
    pod.start()
    assert undone.code == 0, undone.output
    assert rows(pod, table) == 1  # as it was before the restore
    pod.sql(f"INSERT INTO {table} VALUES (101)")  # noqa: S608
    later = emptied(pod, table)
    assert pod.restore(later).code == 0
    assert rows(pod, table) == 2
    pod.sql(f"INSERT INTO {table} VALUES (102)")  # noqa: S608
    pod.backup("diff")
    last = emptied(pod, table)
    assert pod.restore(last).code == 0  # from a backup of the restored database's own timeline
    assert rows(pod, table) == 3


def test_what_was_never_archived_is_read_from_the_live_folder(pod: Pod, table: str) -> None:
    noted = emptied(pod, table)
    pod.sql(f"INSERT INTO {table} VALUES (7)")  # noqa: S608
    late = pod.second()
    pod.sql(f"INSERT INTO {table} VALUES (8)")  # noqa: S608
    assert noted < late
    assert pod.restore(late, signal.SIGQUIT).code == 0  # as after a crash: the last segment stays where it is
    assert rows(pod, table) == 1


@pytest.mark.parametrize("step", ["fetching", "replaying"])
def test_a_restore_that_is_killed_goes_on_where_it_was(pod: Pod, table: str, step: str) -> None:
    noted = emptied(pod, table)
    pod.stop()
    process = pod.begin("restore", "--to", noted)
    begun = pod.volume / "data.restored"
    wait_for(
        lambda: (pod.volume / "restore.json").exists() and state(pod)["step"] == step and begun.exists(),
        f"the restore is {step}",
        SECONDS,
    )
    killed = end(process, signal.SIGKILL)
    assert killed.code == -signal.SIGKILL
    assert pod.live.is_dir()
    again = pod.restore(noted)
    assert again.code == 0, again.output
    assert rows(pod, table) == 5


def test_a_lock_file_of_a_killed_server_whose_number_another_process_has_stops_nothing(
    pod: Pod, table: str
) -> None:
    noted = emptied(pod, table)
    another = subprocess.Popen(as_user(["sleep", "600"]))
    lock = pod.folder / "scratch" / f".s.PGSQL.{pod.port}.lock"
    lock.write_text(f"{another.pid}\n{pod.volume / 'data.restored'}\n0\n{pod.port}\n{lock.parent}\n")
    try:
        restored = pod.restore(noted)
    finally:
        another.kill()
        another.wait()
    assert restored.code == 0, restored.output
    assert rows(pod, table) == 5


def test_a_swap_that_is_killed_between_its_renames_keeps_postgresql_from_starting_empty(
    pod: Pod, table: str
) -> None:
    noted = emptied(pod, table)
    assert pod.restore(noted).code == 0
    pod.stop()
    swapping = state(pod) | {"step": "swapping"}
    (pod.volume / "restore.json").write_text(json.dumps(swapping))
    pod.live.rename(pod.volume / "data.restored")  # data.previous is there, data is not
    with pytest.raises(AssertionError, match="cut short between two renames"):
        pod.start()
    assert not pod.live.exists()
    again = pod.restore(noted)
    assert again.code == 0, again.output
    assert rows(pod, table) == 5


def test_a_restore_with_another_key_is_refused_and_changes_nothing(pod: Pod, table: str) -> None:
    noted = emptied(pod, table)
    path = f"/{STACK}/pitr/"
    right = (pod.folder / User.PITR / "pgbackrest.conf").read_text()
    wrong = "\n".join(
        "repo1-cipher-pass=another" if line.startswith("repo1-cipher-pass") else line
        for line in right.splitlines()
    )
    (pod.folder / User.PITR / "pgbackrest.conf").write_text(wrong + "\n")
    try:
        said = pod.restore(noted)
    finally:
        (pod.folder / User.PITR / "pgbackrest.conf").write_text(right)
    assert path in right
    assert said.code == 1
    assert said.problems == [
        "point-in-time repository: cannot be read with this key → it was written with another backupKey; "
        "put that one back: slipway secrets set backupKey STACK"
    ]
    assert rows(pod, table) == 0


def test_archiving_fails_aloud_while_the_store_is_away_and_loses_nothing_when_it_is_back(
    pod: Pod, table: str, running_store: ObjectStore
) -> None:
    away = Proxy(running_store.port)
    pod.render(port=away.port)
    away.cut()
    try:
        failures = "SELECT failed_count FROM pg_stat_archiver"
        before = int(pod.sql(failures))
        pod.sql(f"INSERT INTO {table} VALUES (6)", "SELECT pg_switch_wal()")  # noqa: S608
        wait_for(lambda: int(pod.sql(failures)) > before, "archiving fails", 2 * SECONDS)
        pod.sql(f"INSERT INTO {table} VALUES (7)")  # noqa: S608  the service goes on
        assert "HostConnectError" in pod.log()
        assert pod.program("check", "--to", "2026-11-01T00:00:00Z").problems == [
            "point-in-time repository: cannot be reached → see that the store runs: slipway status STACK"
        ]
    finally:
        pod.render()
    all_archived(pod, 2 * SECONDS)
    noted = emptied(pod, table)
    assert pod.restore(noted).code == 0
    assert rows(pod, table) == 7


@pytest.mark.parametrize(
    ("moment", "code", "problem"),
    [
        ("yesterday", 2, "--to yesterday: is no moment → write it like 2026-11-20T03:00:05Z, or"),
        ("2026-11-20T03:00:05", 2, "--to 2026-11-20T03:00:05: has no time zone, and an hour's difference"),
        ("2126-01-01T00:00:00Z", 2, "--to 2126-01-01T00:00:00Z: has not come yet: it is 20"),
        (
            "2020-01-01T09:00:00+09:00",
            1,
            "--to 2020-01-01T00:00:00Z: is before the first base backup, which ended at 20",
        ),
    ],
)
def test_a_moment_that_cannot_be_restored_is_refused_before_anything_stops(
    pod: Pod, moment: str, code: int, problem: str
) -> None:
    said = pod.program("check", "--to", moment)
    assert (said.code, len(said.problems)) == (code, 1)
    assert said.problems[0].startswith(problem)


def test_a_moment_after_the_archive_s_end_names_the_last_one(pod: Pod, table: str) -> None:
    all_archived(pod)
    late = pod.second()
    pod.stop()
    try:
        said = pod.program("restore", "--to", late)
    finally:
        pod.start()
    assert said.code == 1
    assert said.problems[0].startswith(
        "--to: is after the end of the archive; the last transaction in it is of 2"
    )
    assert rows(pod, table) == 5


def test_the_restore_waits_for_nobody_who_still_uses_the_volume(pod: Pod, table: str) -> None:
    said = pod.program("restore", "--to", pod.second())
    assert said.code == 1
    assert said.problems[0].startswith("volume: is in use: ")
    assert rows(pod, table) == 5
