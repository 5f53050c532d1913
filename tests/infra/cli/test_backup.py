"""`slipway backup` and `slipway restore` without a cluster: a fake kubectl answers for the pods."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from infra import backup_jobs
from infra.cli import app, backup_view, verbs
from infra.cli import restore as restoring
from infra.errors import EXIT_USAGE, UserError
from infra.kubectl import Place

pytestmark = pytest.mark.unit
OLD, NEW = "20261127T030000Z-00000001", "20261128T030000Z-00000002"
KUBECTL = """\
#!/usr/bin/env python3
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
line = " ".join(sys.argv[3:])
with (folder / "calls").open("a") as log:
    print(line, file=log)
if "create" in line:
    (folder / "job.json").write_text(sys.stdin.read())
for name, answer in json.loads((folder / "answers.json").read_text()).items():
    if line.startswith(name):
        sys.stdout.write(answer["out"])
        sys.stderr.write(answer.get("err", ""))
        sys.exit(answer.get("code", 0))
"""


def said(event: str, **fields: Any) -> str:
    return json.dumps({"timestamp": "2026-11-28T03:00:00+00:00", "event": event, **fields}) + "\n"


def backup(name: str, **more: Any) -> dict[str, Any]:
    created = f"{name[:4]}-{name[4:6]}-{name[6:8]}T03:00:00+00:00"
    plain = {"kind": "database", "bytes": 1536, "database": "ledger", "schema_revision": "0007"}
    return {"id": name, "created": created, **plain, "verified": None, "problem": None, **more}


CRON_JOB = {
    "metadata": {"name": "backup-restore"},
    "spec": {
        "schedule": "0 0 1 1 *",
        "suspend": True,
        "timeZone": "Asia/Seoul",
        "jobTemplate": {
            "metadata": {"labels": {"app.kubernetes.io/name": "backup-restore"}},
            "spec": {
                "backoffLimit": 1,
                "template": {"spec": {"containers": [{"name": "backup-restore", "args": ["list"]}]}},
            },
        },
    },
}


def ended(code: int, reason: str = "Completed") -> str:
    state = {"terminated": {"exitCode": code, "reason": reason}}
    pod = {
        "metadata": {"name": "p"},
        "status": {"containerStatuses": [{"name": "c", "image": "i", "state": state}]},
    }
    return json.dumps({"items": [pod]})


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """``cluster(log, code)``: a kubectl whose Jobs say ``log`` and end with ``code``; its folder."""
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    place = Place("ledger-dev", "ledger", {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    monkeypatch.setenv("PATH", place.environment["PATH"])
    monkeypatch.setattr(backup_jobs, "place", lambda _stack: place)
    monkeypatch.setattr(restoring, "_jobs", lambda _stack: 4)
    monkeypatch.setattr(restoring, "_time_zone", lambda _stack: "Asia/Seoul")

    def answers(
        log: str = "", code: int = 0, backups: list[dict[str, Any]] | None = None, reason: str = ""
    ) -> Path:
        listed = said("result", backups=[backup(NEW), backup(OLD)] if backups is None else backups)
        found = {
            "exec deployment/backup-exporter": {"out": listed},
            "get cronjob": {"out": json.dumps(CRON_JOB)},
            "get pods": {"out": ended(code, reason)},
            "logs": {"out": log},
        }
        (tmp_path / "answers.json").write_text(json.dumps(found))
        return tmp_path

    return answers


def slipway(*arguments: str, typed: str | None = None) -> Result:
    if not app.registered_commands:
        verbs.register(app)
    return CliRunner().invoke(app, list(arguments), input=typed)


def job(folder: Path) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((folder / "job.json").read_text())
    return made


def arguments(folder: Path) -> list[str]:
    found: list[str] = job(folder)["spec"]["template"]["spec"]["containers"][0]["args"]
    return found


def problem(answer: Result) -> str:
    assert isinstance(answer.exception, UserError)
    return str(answer.exception)


RESTORED = said("result", database="ledger_restored", backup=NEW, rows=10)


def test_a_backup_is_made_of_the_schedule_s_own_job_and_told_in_one_line(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster(said("result", backup=NEW, bytes=1536, rows=10, tables=3, seconds=1.5))
    answer = slipway("backup", "now", "ledger-dev")
    assert answer.stdout == f"{NEW}: 1.5 KiB of 10 rows in 3 tables, after 1.5 s\n"
    made = job(folder)
    assert made["spec"]["backoffLimit"] == 0
    assert made["metadata"]["labels"] == {"app.kubernetes.io/name": "backup-restore"}
    assert arguments(folder) == ["list"], "the arguments stay those of the schedule"


def test_json_is_the_result_and_nothing_else(cluster: Callable[..., Path]) -> None:
    cluster(said("step", step="dump") + said("result", backup=NEW, bytes=1536))
    answer = slipway("backup", "now", "ledger-dev", "--json")
    assert json.loads(answer.stdout) == {"backup": NEW, "bytes": 1536}


def test_the_problems_that_a_pod_says_are_told_as_they_are_with_its_exit_code(
    cluster: Callable[..., Path],
) -> None:
    cluster(said("problem", where="backup", what="another run holds the lock", remedy="wait for it"), code=3)
    answer = slipway("backup", "now", "ledger-dev")
    assert problem(answer) == "backup: another run holds the lock\n  → wait for it"
    assert isinstance(answer.exception, UserError)
    assert answer.exception.exit_code == 3


def test_a_pod_that_was_killed_for_its_memory_says_so(cluster: Callable[..., Path]) -> None:
    cluster("", code=137, reason="OOMKilled")
    assert "was killed: its memory_limit does not suffice" in problem(slipway("backup", "now", "ledger-dev"))


def test_verify_takes_the_newest_sound_backup(cluster: Callable[..., Path]) -> None:
    damaged = backup(NEW, problem="manifest.json: is damaged")
    folder = cluster(said("result", backup=OLD, bytes=1536), backups=[damaged, backup(OLD)])
    assert slipway("backup", "verify", "ledger-dev").exit_code == 0
    assert arguments(folder) == ["verify", OLD]


def test_the_list_names_what_is_wrong(cluster: Callable[..., Path]) -> None:
    cluster(
        backups=[backup(NEW, problem="has no manifest"), backup(OLD, verified="2026-11-27T06:30:00+00:00")]
    )
    text = slipway("backup", "list", "ledger-dev").stdout
    assert "has no manifest" in text
    assert "06:30" in text


def test_a_restore_in_the_live_place_is_refused_where_nobody_can_be_asked(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster(RESTORED)
    answer = slipway("restore", "ledger-dev")
    assert problem(answer).endswith(
        "in the place of the live database of ledger-dev\n  → say that it is meant: --yes"
    )
    assert isinstance(answer.exception, UserError)
    assert answer.exception.exit_code == EXIT_USAGE
    assert not (folder / "job.json").exists()


def test_with_yes_the_newest_is_restored_and_then_swapped(cluster: Callable[..., Path]) -> None:
    folder = cluster(RESTORED)
    answer = slipway("restore", "ledger-dev", "--yes")
    assert answer.exit_code == 0, answer.output
    assert arguments(folder) == ["swap"], "the last of two jobs"
    assert "slipway restore ledger-dev --undo" in answer.stdout
    assert (folder / "calls").read_text().count("create ") == 2


def test_into_another_database_nothing_is_asked_and_nothing_is_swapped(cluster: Callable[..., Path]) -> None:
    folder = cluster(RESTORED)
    answer = slipway("restore", "ledger-dev", "--into", "looked_at", "--tables", "a,b", "--backup", OLD)
    assert answer.exit_code == 0, answer.output
    assert arguments(folder) == [
        *("restore", "--backup", OLD, "--jobs", "4"),
        *("--into", "looked_at", "--tables", "a,b"),
    ]


def test_a_time_chooses_the_last_backup_before_it_in_the_schedules_time_zone(
    cluster: Callable[..., Path],
) -> None:
    folder = cluster(RESTORED)
    # 11:59 in Seoul is 02:59 UTC: a minute before the newer one.
    slipway("restore", "ledger-dev", "--at", "2026-11-28T11:59", "--into", "looked_at")
    assert arguments(folder)[2] == OLD


def test_a_time_before_every_backup_is_told(cluster: Callable[..., Path]) -> None:
    cluster(RESTORED)
    answer = slipway("restore", "ledger-dev", "--at", "2026-11-01T00:00", "--yes")
    assert problem(answer).startswith("--at 2026-11-01T00:00: no backup is as old as that")


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (["--at", "2026-11-28", "--backup", OLD], "--at: stands with --backup"),
        (["--tables", "a"], "--tables: some tables alone cannot take the live database's place"),
        (["--undo", "--backup", OLD], "--undo: stands with --backup"),
        (["--cache", "--into", "a", "--tables", "b"], "--cache: stands with --tables, --into"),
        (["--cache", "--to", "previous"], "--to: stands with --cache"),
        (["--at", "yesterday", "--yes"], "--at: 'yesterday' is no time"),
        (
            ["--backup", "20200101T000000Z-00000000", "--yes"],
            "--backup 20200101T000000Z-00000000: is not there",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_starts(
    cluster: Callable[..., Path], options: list[str], what: str
) -> None:
    folder = cluster(RESTORED)
    assert problem(slipway("restore", "ledger-dev", *options)).startswith(what)
    assert not (folder / "job.json").exists()


def test_the_cache_s_keys_come_back_alone_where_that_is_meant(cluster: Callable[..., Path]) -> None:
    folder = cluster(said("result", backup=NEW, keys=12))
    assert problem(slipway("restore", "ledger-dev", "--cache")).endswith(
        f"puts the keys of {NEW} into the cache of ledger-dev\n  → say that it is meant: --yes"
    )
    answer = slipway("restore", "ledger-dev", "--cache", "--yes")
    assert answer.exit_code == 0, answer.output
    assert arguments(folder) == ["fill", "--backup", NEW]
    assert f"12 keys of {NEW} are in the cache" in answer.stdout
    assert (folder / "calls").read_text().count("create ") == 1


def test_a_damaged_backup_is_not_restored(cluster: Callable[..., Path]) -> None:
    cluster(RESTORED, backups=[backup(NEW, problem="its signature does not fit")])
    assert "its signature does not fit" in problem(slipway("restore", "ledger-dev", "--backup", NEW, "--yes"))
    assert "none can be relied on" in problem(slipway("restore", "ledger-dev", "--yes"))


def test_undo_needs_the_same_word(cluster: Callable[..., Path]) -> None:
    folder = cluster(said("result", database="ledger"))
    assert "--yes" in problem(slipway("restore", "ledger-dev", "--undo"))
    assert slipway("restore", "ledger-dev", "--undo", "--yes").exit_code == 0
    assert arguments(folder) == ["undo"]


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"event": "step", "step": "dump"}, "dump …"),
        ({"event": "step", "step": "save", "object": "redis.rdb"}, "save redis.rdb …"),
        ({"event": "done", "step": "dump", "seconds": 1.2}, "dump: done in 1.2 s"),
        (
            {"event": "progress", "step": "dump", "bytes": 1 << 20, "total": 3 << 20, "seconds_left": 65},
            "dump: 1.0 MiB of 3.0 MiB 1:05 left",
        ),
        ({"event": "progress", "step": "dump", "bytes": 512, "total": None}, "dump: 512 B"),
        ({"event": "problem", "where": "a", "what": "b", "remedy": "c"}, ""),
        ({"event": "text", "text": "Traceback"}, "Traceback"),
        ({"event": "leftover", "timestamp": "x", "database": "a"}, "leftover: database a"),
    ],
)
def test_each_line_of_a_pod_has_words(event: dict[str, Any], text: str) -> None:
    assert backup_view.words(event) == text
