"""The way of `slipway restore --to`, step by step, on a cluster that only remembers what it was told."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import Any

import pytest

from infra import backup_jobs, pitr_restore
from infra.backup_jobs import Event, Job
from infra.cli import restore_to
from infra.errors import UserError
from infra.kubectl import Place

pytestmark = pytest.mark.unit
MOMENT = "2026-11-20T03:00:05Z"


@dataclass
class Told:
    """A StatefulSet of one, its pod and its note; and every command in its order."""

    replicas: int = 1
    note: str | None = None
    said: list[str] = field(default_factory=list)
    jobs: list[list[str]] = field(default_factory=list)

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        verb = arguments[0]
        out = ""
        if verb == "get" and arguments[1] == pitr_restore.SET:
            notes = {pitr_restore.NOTE: self.note} if self.note else {}
            status = {"observedGeneration": 1, "readyReplicas": self.replicas}
            out = json.dumps({"metadata": {"annotations": notes, "generation": 1}, "status": status})
        elif verb == "get" and arguments[1] == "pod":
            out = "pod/postgres-0" if self.replicas else ""
        elif verb == "scale":
            self.replicas = int(arguments[-1].partition("=")[2])
            self.said.append(f"scale {self.replicas}")
        elif verb == "annotate":
            note = arguments[2]
            self.note = None if note.endswith("-") else note.partition("=")[2]
            self.said.append("forget" if self.note is None else "note")
        return subprocess.CompletedProcess(arguments, 0, out, "")


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Told:
    """The cluster; Jobs are only written down."""
    made = Told()
    monkeypatch.setattr(Place, "kubectl", lambda _self, *arguments, **how: made.kubectl(*arguments, **how))

    def start(where: Place, task: str, arguments: list[str]) -> Job:
        made.jobs.append([task, *arguments])
        made.said.append(f"job {task} with {made.replicas}")
        return Job(where, task)

    monkeypatch.setattr(backup_jobs, "start", start)
    return made


WHERE = Place("ledger-dev", "ledger", {})


def well(_job: Job) -> Event:
    return {"event": "result", "proof": None}


def ill(_job: Job) -> Event:
    raise UserError.of("volume", "has 1 MiB free", "give it more")


def quiet(_text: str) -> None:
    return None


def test_postgresql_is_away_while_its_volume_is_restored_and_the_cache_is_emptied_after_it(
    told: Told,
) -> None:
    pitr_restore.restore(WHERE, MOMENT, well, quiet)
    assert told.said == ["note", "scale 0", "job pitr with 0", "scale 1", "forget", "job restore with 1"]
    assert told.jobs[0][:4] == ["pitr", "restore", "--to", MOMENT]
    assert told.jobs[1] == ["restore", "flush"]


def test_after_a_failure_postgresql_runs_again_and_the_cache_is_left_alone(told: Told) -> None:
    with pytest.raises(UserError, match="has 1 MiB free"):
        pitr_restore.restore(WHERE, MOMENT, ill, quiet)
    assert told.said == ["note", "scale 0", "job pitr with 0", "scale 1", "forget"]


def test_a_command_that_was_killed_goes_on_under_the_name_it_had(told: Told) -> None:
    told.note, told.replicas = json.dumps({"to": MOMENT, "run": "cafe0001"}), 0
    assert pitr_restore.check(WHERE, MOMENT) is None
    pitr_restore.restore(WHERE, MOMENT, well, quiet)
    assert told.jobs[0] == ["pitr", "restore", "--to", MOMENT, "--run", "cafe0001"]


def test_another_moment_waits_for_the_restore_that_has_begun(told: Told) -> None:
    told.note = json.dumps({"to": MOMENT, "run": "cafe0001"})
    with pytest.raises(UserError, match=f"finish it: slipway restore ledger-dev --to {MOMENT}"):
        pitr_restore.restore(WHERE, "2026-11-20T03:00:06Z", well, quiet)
    assert told.said == []


def test_previous_puts_back_what_was_replaced(told: Told) -> None:
    pitr_restore.restore(WHERE, "previous", well, quiet)
    assert told.jobs[0] == ["pitr", "undo"]


@pytest.mark.parametrize("option", ["--at", "--backup", "--tables", "--into", "--undo", "--forget"])
def test_a_second_stands_with_no_other_choice(option: str) -> None:
    with pytest.raises(UserError, match=f"stands with {option}, and names the whole database") as raised:
        restore_to.refuse_contradictions([option])
    assert raised.value.exit_code == 2


def test_a_moment_without_its_time_zone_is_refused_before_anything_is_asked(told: Told) -> None:
    asked: list[Any] = []
    with pytest.raises(UserError, match="has no time zone"):
        restore_to.restore_to(WHERE, "2026-11-20T03:00:05", asked.append, as_json=True)
    assert (asked, told.said) == ([], [])
