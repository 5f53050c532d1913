"""Which base backup is due, and the loop that makes it. A slot that was missed is made up for."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim

from infra.backups import report
from infra.backups.pitr import server, target
from infra.backups.pitr.repository import Backup, Info, Repository
from infra.errors import UserError

CHECK_SECONDS = 30.0
ALARM_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 900.0  # between two attempts that fail
FULL, DIFF = "full", "diff"
VARIABLES: Mapping[str, str] = {
    "PITR_FULL_SCHEDULE": "0 2 * * 0",
    "PITR_DIFF_SCHEDULE": "0 2 * * 1-6",
    "PITR_TIME_ZONE": "UTC",
}


@dataclass(frozen=True)
class Schedules:
    """Two cron expressions and the zone they mean."""

    full: str
    diff: str
    zone: ZoneInfo


def load(environment: Mapping[str, str]) -> Schedules:
    """The schedules of this process."""
    full, diff, zone = (environment.get(name) or default for name, default in VARIABLES.items())
    return Schedules(full, diff, ZoneInfo(zone))


def due(info: Info, schedules: Schedules, now: datetime) -> str | None:
    """``full`` without a sound full backup or after its slot, ``diff`` after a diff's slot, else None."""
    sound = [found for found in info.backups if not found.damaged]
    fulls = [found for found in sound if found.kind == FULL]
    if not fulls or _slot_passed(fulls[-1], schedules.full, schedules.zone, now):
        return FULL
    return DIFF if _slot_passed(sound[-1], schedules.diff, schedules.zone, now) else None


def _slot_passed(newest: Backup, cron: str, zone: ZoneInfo, now: datetime) -> bool:
    following = next(CronSim(cron, newest.begun.astimezone(zone)), None)
    return following is not None and following <= now


def keep(repository: Repository, schedules: Schedules, ended: threading.Event) -> None:
    """Until ``ended`` is set: makes what is due. A failure is told and tried again, later each time."""
    repository_is_there = False
    failures, alarm = 0, server.Alarm(repository.place)
    while not ended.is_set():
        try:
            if not repository_is_there:
                repository.create()
                repository_is_there = True
            _make_what_is_due(repository, schedules)
            failures = 0
        except UserError as error:
            report.problems(error)
            failures += 1
        end = time.monotonic() + min(CHECK_SECONDS * 2**failures, LONGEST_WAIT_SECONDS)
        while time.monotonic() < end and not ended.is_set():
            alarm.ring()
            ended.wait(ALARM_SECONDS)


def _make_what_is_due(repository: Repository, schedules: Schedules) -> None:
    kind = due(repository.info(), schedules, datetime.now(schedules.zone))
    if kind is None:
        return
    with report.step("backup", kind=kind):
        repository.backup(kind)
    newest = repository.info().backups[-1]
    report.say("result", backup=newest.label, ended=target.stamp(newest.ended), bytes=newest.bytes)
