"""`slipway restore --to`: stops PostgreSQL, restores its volume by a Job, starts it again.

What was begun stands on the StatefulSet and on the volume, so that the same command goes on after any end.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from infra import backup_jobs
from infra.backup_jobs import Event, Job
from infra.errors import UserError
from infra.kubectl import Place
from infra.render import pitr as render

PREVIOUS = "previous"
NOTE = "slipway.dev/restore"  # the annotation of a restore that has begun and not ended
POLL_SECONDS = 0.5
STOP_SECONDS = 900.0  # more than the longest grace of a pod
START_SECONDS = 7500.0  # more than the longest crash recovery that the settings allow
SET = f"statefulset/{render.SET}"
Run = Callable[[Job], Event]
Say = Callable[[str], None]


@dataclass(frozen=True)
class Begun:
    """A restore that has begun: where to, and the name of this run on the volume."""

    to: str
    run: str


def kept(where: Place) -> bool:
    """Whether the stack keeps an archive."""
    return where.kubectl("get", "cronjob", render.JOB, "--output", "name").returncode == 0


def require(where: Place) -> None:
    """Raises UserError where the stack keeps no archive."""
    if not kept(where):
        raise UserError.of(
            "slipway:backups.pitr.enabled",
            f"false: {where.stack} keeps no archive to restore a second from",
            f"set enabled: true, then: slipway up {where.stack}; until then: slipway restore --at",
        )


def check(where: Place, moment: str) -> Event | None:
    """Asks the running pod whether the moment can be restored. None where a restore has begun already, or
    PostgreSQL does not run. Raises UserError for a moment that cannot be had."""
    if begun(where) or not _ready(where):
        return None
    return ask(where, "check", "--to", moment)


def ask(where: Place, *arguments: str) -> Event:
    """The result of a verb in the pod's second container. Raises UserError with the problems it says."""
    answer = where.kubectl(
        "exec", render.POD, f"--container={render.CONTAINER}", "--", *render.PROGRAM, *arguments
    )
    return backup_jobs.outcome(where, answer.returncode, answer.stdout, answer.stderr)


def begun(where: Place) -> Begun | None:
    """What stands on the StatefulSet."""
    note = where.objects(SET)["metadata"].get("annotations", {}).get(NOTE)
    return Begun(**json.loads(note)) if note else None


def restore(where: Place, moment: str, run: Run, say: Say) -> Event:
    """The whole way. Raises UserError; PostgreSQL runs again then, on what it had before the swap.

    ``run`` follows a Job to its end and shows it.
    """
    found = begun(where)
    if found and found.to != moment:
        what = f"a restore to {found.to} has begun and not ended"
        raise UserError.of(
            f"--to {moment}", what, f"finish it: slipway restore {where.stack} --to {found.to}"
        )
    token = found.run if found else secrets.token_hex(4)
    note = json.dumps({"to": moment, "run": token})
    where.said("annotate", SET, f"{NOTE}={note}", "--overwrite")
    undo = moment == PREVIOUS
    arguments = ["undo"] if undo else ["restore", "--to", moment, "--run", token]
    try:
        say("stopping PostgreSQL")
        _stop(where)
        done = run(backup_jobs.start(where, render.TASK, arguments))
    finally:
        say("starting PostgreSQL")
        _start(where)
        where.said("annotate", SET, f"{NOTE}-")
    run(backup_jobs.start(where, "restore", ["flush"]))
    return done


def forget(where: Place) -> Event:
    """Removes the copies that restores left on the volume."""
    answer = where.kubectl("exec", render.POD, f"--container={render.SET}", "--", *render.PROGRAM, "forget")
    return backup_jobs.outcome(where, answer.returncode, answer.stdout, answer.stderr)


def _stop(where: Place) -> None:
    where.said("scale", SET, "--replicas=0")
    end = time.monotonic() + STOP_SECONDS
    while where.said("get", "pod", render.POD, "--ignore-not-found", "--output", "name").strip():
        if time.monotonic() > end:
            raise UserError.of(
                f"pod {render.POD}",
                "does not end",
                f"see why: slipway status {where.stack}; then run it again",
            )
        time.sleep(POLL_SECONDS)


def _start(where: Place) -> None:
    where.said("scale", SET, "--replicas=1")
    end = time.monotonic() + START_SECONDS
    while not _ready(where):
        if time.monotonic() > end or _gives_up(where):
            raise UserError.of(f"pod {render.POD}", "is not ready", f"see why: slipway status {where.stack}")
        time.sleep(POLL_SECONDS)


def _gives_up(where: Place) -> bool:
    """Whether PostgreSQL's container ends again and again, as a swap that was cut short makes it."""
    found = where.objects("pod", render.POD)["status"]
    return any(
        status["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff"
        for status in found.get("containerStatuses", [])
        if status["name"] == render.SET
    )


def _ready(where: Place) -> bool:
    found = where.objects(SET)
    seen = found["status"].get("observedGeneration") == found["metadata"]["generation"]
    return seen and bool(found["status"].get("readyReplicas"))
