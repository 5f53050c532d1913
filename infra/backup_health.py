"""Whether a stack's backups are well: what ran, what comes next, and what is too old or wrong, in words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

from infra import pitr_restore
from infra.backup_jobs import ask
from infra.errors import UserError
from infra.kubectl import Place
from infra.render import backups as render
from infra.render import pitr
from infra.settings.rules.schedules import longest_gap

DUMP, DRILL = render.job_name("database"), render.job_name("drill")
BY_HAND = {render.job_name("restore"), pitr.JOB}
SLACK = timedelta(hours=1)  # of a run that takes its time, before its absence is a trouble


@dataclass(frozen=True)
class Run:
    """One schedule. Moments are RFC 3339 in UTC; None: never, or not by itself."""

    name: str
    schedule: str
    last: str | None
    succeeded: str | None
    next: str | None


@dataclass(frozen=True)
class Archive:
    """The log's archive. ``restorable_from``: RFC 3339, the first second a restore reaches; ``age_seconds``:
    since the last segment was archived; ``waiting``: segments that are to be."""

    restorable_from: str | None
    age_seconds: int | None
    waiting: int
    failing: bool


@dataclass(frozen=True)
class Health:
    """The backups of a stack at one moment; ``newest`` and ``verified`` are ids."""

    stack: str
    runs: list[Run]
    newest: str | None
    verified: str | None
    troubles: list[str]
    archive: Archive | None = None

    @property
    def healthy(self) -> bool:
        """Nothing is wrong."""
        return not self.troubles


def gather(place: Place) -> Health:
    """From the cluster's CronJobs and from the store. Raises UserError where the cluster does not answer."""
    jobs = place.objects("cronjobs")["items"]
    moment = datetime.now(UTC)
    runs = [run_of(job, moment) for job in jobs if job["metadata"]["name"].startswith(render.job_name(""))]
    try:
        backups, troubles = ask(place, "list")["backups"], []
    except UserError as error:
        backups, troubles = [], [f"{problem.where}: {problem.what}" for problem in error.problems]
    sound = [backup for backup in backups if backup["created"] and not backup["problem"]]
    verified = [backup for backup in sound if backup["verified"]]
    if not troubles:
        troubles = [*_wrong(backups), *_too_old(runs, sound, moment)]
    archive = None
    if pitr.JOB in {run.name for run in runs}:
        try:
            archive = archive_of(pitr_restore.ask(place, "status"))
            troubles += _not_archived(archive)
        except UserError as error:
            troubles += [f"{problem.where}: {problem.what}" for problem in error.problems]
    return Health(place.stack, runs, _newest(sound), _newest(verified), troubles, archive)


def archive_of(said: dict[str, Any]) -> Archive:
    """From what the pod's second container says."""
    ends = [backup["ended"] for backup in said["backups"] if not backup["damaged"]]
    archiver = said["archiver"]
    archived, failed = archiver["last_archived_seconds_ago"], archiver["last_failed_seconds_ago"]
    failing = failed is not None and (archived is None or failed < archived)
    return Archive(min(ends, default=None), archived, archiver["waiting"], failing)


def _not_archived(archive: Archive) -> list[str]:
    troubles = [] if archive.restorable_from else [f"{pitr.JOB}: there is no base backup yet"]
    if archive.failing:
        what = f"archiving fails, and {archive.waiting} segments wait on the volume"
        troubles.append(f"{pitr.JOB}: {what}: kubectl logs {pitr.POD} --container {pitr.SET}")
    return troubles


def run_of(job: dict[str, Any], moment: datetime) -> Run:
    """A CronJob as Kubernetes returns it."""
    spec, status = job["spec"], job.get("status", {})
    zone = spec.get("timeZone", "UTC")
    coming = None
    if not spec.get("suspend"):
        coming = (
            next(CronSim(spec["schedule"], moment.astimezone(ZoneInfo(zone)))).astimezone(UTC).isoformat()
        )
    by_hand = job["metadata"]["name"] in BY_HAND
    schedule = "by hand" if by_hand else f"{spec['schedule']} {zone}"
    if spec.get("suspend") and not by_hand:
        schedule += " (suspended)"
    times = (status.get("lastScheduleTime"), status.get("lastSuccessfulTime"))
    return Run(job["metadata"]["name"], schedule, *times, coming)


def _newest(backups: Iterable[dict[str, Any]]) -> str | None:
    return max((str(backup["id"]) for backup in backups), default=None)


def _wrong(backups: Iterable[dict[str, Any]]) -> list[str]:
    return [str(backup["problem"]) for backup in backups if backup["problem"]]


def _too_old(runs: list[Run], sound: list[dict[str, Any]], moment: datetime) -> list[str]:
    """Two gaps of the schedule without a backup: one run has failed, and the next did not make up for it."""
    troubles = [f"{run.name}: is suspended" for run in runs if run.schedule.endswith("(suspended)")]
    schedules = {run.name: " ".join(run.schedule.split()[:5]) for run in runs}
    created = [datetime.fromisoformat(backup["created"]) for backup in sound]
    verified = [datetime.fromisoformat(backup["verified"]) for backup in sound if backup["verified"]]
    for name, moments, what in (
        (DUMP, created, "backup"),
        (DRILL, verified, "backup that a drill has restored"),
    ):
        if not moments:
            troubles.append(f"{name}: there is no {what}")
        elif name in schedules:
            allowed = longest_gap(schedules[name]) + SLACK
            if moment - max(moments) > allowed:
                hours = round((moment - max(moments)).total_seconds() / 3600)
                troubles.append(f"{name}: the newest {what} is {hours} h old")
    return troubles
