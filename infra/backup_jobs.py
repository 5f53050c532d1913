"""Jobs made of the backups' CronJobs: started with other arguments, followed line by line, judged at the end.

The pods say JSON lines (infra/backups/report.py); what they mean to people is infra/cli/backup_view.py's.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra import stack as stacks
from infra import workloads
from infra.errors import EXIT_FAILED, Problem, UserError
from infra.kubectl import Place
from infra.render import backups as render

POLL_SECONDS = 0.5
START_SECONDS = 180.0  # scheduling, pulling the image, starting Python
KEPT_SECONDS = 86_400  # a finished Job's log stays readable for a day
Event = dict[str, Any]
Heard = Callable[[Event], None]


def place(stack: str) -> Place:
    """Where the stack is. Raises UserError where it is not up, or makes no backups."""
    outputs = stacks.outputs_while_up(stack)
    found = Place(stack, outputs["namespace"], stacks.surroundings(stack))
    if "backups" not in outputs.get("images", {}):
        remedy = f"set enabled: true and a bucket, then: slipway up {stack}"
        raise UserError.of("slipway:backups.enabled", f"false: {stack} makes no backups", remedy)
    return found


def ask(where: Place, verb: str) -> Event:
    """The result of a quick verb, by the pod of the exporter. Raises UserError with the problems it says."""
    answer = where.kubectl("exec", f"deployment/{render.EXPORTER}", "--", *render.PROGRAM, verb)
    return outcome(where, answer.returncode, answer.stdout, answer.stderr)


def outcome(where: Place, code: int, said: str, why: str) -> Event:
    """The result line of a program that has ended. Raises UserError with the problems it says."""
    return _outcome(where, code, list(_events(said.splitlines())), why)


@dataclass(frozen=True)
class Job:
    """One Job that was started."""

    place: Place
    name: str

    @property
    def follow_command(self) -> str:
        """What to type to see its log."""
        return f"kubectl --namespace {self.place.namespace} logs --follow job/{self.name}"

    def delete(self) -> None:
        """End it; its pod gets the time to abort what it had begun."""
        self.place.said("delete", "job", self.name, "--wait=false", "--ignore-not-found")

    def result(self, heard: Heard) -> Event:
        """Follow it to its end; each line to ``heard``. Raises UserError with the problems that it said."""
        events: list[Event] = []
        code = self._started()
        while code is None:
            for event in self._log(len(events)):
                events.append(event)
                heard(event)
            code = self._exit_code()
            if code is None:
                time.sleep(POLL_SECONDS)
        for event in self._log(len(events), follow=False):
            events.append(event)
            heard(event)
        return _outcome(self.place, code, events, self._why())

    def _started(self) -> int | None:
        """Wait for its container; an exit code if it has ended already. Raises UserError: none starts."""
        end = time.monotonic() + START_SECONDS
        while True:
            state = self._state()
            if "running" in state:
                return None
            if "terminated" in state:
                return int(state["terminated"]["exitCode"])
            troubles = [text for pod in self._pods() for text in workloads.pod_troubles(pod)]
            if time.monotonic() > end:
                what = "; ".join(troubles) or "has no pod that starts"
                self.delete()
                remedy = f"mend that, then run it again: slipway status {self.place.stack}"
                raise UserError.of(f"job {self.name}", what, remedy)
            time.sleep(POLL_SECONDS)

    def _log(self, seen: int, *, follow: bool = True) -> Iterator[Event]:
        """The lines of its log after those that were seen."""
        options = ["--follow"] if follow else []
        process = subprocess.Popen(
            self.place.command("logs", *options, f"job/{self.name}"),
            env=dict(self.place.environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            stdin=subprocess.DEVNULL,
            text=True,
            process_group=0,  # a Ctrl-C is ours to handle
        )
        assert process.stdout is not None  # noqa: S101  it is a pipe
        try:
            for number, event in enumerate(_events(process.stdout)):
                if number >= seen:
                    yield event
        finally:
            process.terminate()
            process.wait()
            process.stdout.close()

    def _exit_code(self) -> int | None:
        terminated = self._state().get("terminated")
        if terminated is not None:
            return int(terminated["exitCode"])
        if not self._pods():  # deleted by somebody, or evicted
            return EXIT_FAILED
        return None

    def _why(self) -> str:
        reason: str = self._state().get("terminated", {}).get("reason", "")
        if reason == "OOMKilled":
            return "was killed: its memory_limit does not suffice"
        if not self._pods():
            return "was deleted while it ran"
        return ""

    def _state(self) -> dict[str, Any]:
        for pod in self._pods():
            for status in pod["status"].get("containerStatuses", []):
                state: dict[str, Any] = status["state"]
                return state
        return {}

    def _pods(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.place.objects(
            "pods", f"--selector=batch.kubernetes.io/job-name={self.name}"
        )["items"]
        return found


def start(where: Place, task: str, arguments: Sequence[str] = ()) -> Job:
    """Make a Job of the task's CronJob, with other arguments where some are given. Raises UserError."""
    made = manifest(where.objects("cronjob", render.job_name(task)), arguments)
    where.said("create", "--filename", "-", stdin=json.dumps(made))
    return Job(where, made["metadata"]["name"])


def manifest(cron_job: dict[str, Any], arguments: Sequence[str]) -> dict[str, Any]:
    """The Job as ``kubectl create job --from`` makes it, run once."""
    template, owner = cron_job["spec"]["jobTemplate"], cron_job["metadata"]
    moment = datetime.now(UTC).strftime("%m%d%H%M%S")
    spec = json.loads(json.dumps(template["spec"]))
    if arguments:
        spec["template"]["spec"]["containers"][0]["args"] = list(arguments)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{owner['name']}-{moment}-{secrets.token_hex(2)}",
            "labels": template.get("metadata", {}).get("labels", {}),
            "annotations": dict(workloads.BY_HAND),
        },
        "spec": {**spec, "backoffLimit": 0, "ttlSecondsAfterFinished": KEPT_SECONDS},
    }


def _events(lines: Iterable[str]) -> Iterator[Event]:
    """The lines that are the program's; anything else becomes a ``text`` event."""
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            yield event
        elif line.strip():
            yield {"event": "text", "text": line.rstrip()[:500]}


def _outcome(where: Place, code: int, events: Sequence[Event], why: str) -> Event:
    """The result line. Raises UserError: every problem said, else what can be known of the end."""
    if code == 0:
        return next((event for event in reversed(events) if event["event"] == "result"), {})
    problems = [
        Problem(str(event.get("where")), str(event.get("what")), str(event.get("remedy")))
        for event in events
        if event["event"] == "problem"
    ]
    if problems:
        raise UserError(problems, exit_code=code)
    said = [str(event["text"]) for event in events if event["event"] == "text"][-3:]
    what = "; ".join(part for part in (why.strip()[-500:], *said) if part) or f"ended with exit code {code}"
    raise UserError.of(
        f"backups of {where.stack}",
        what,
        f"see what runs: slipway status {where.stack}",
        exit_code=EXIT_FAILED,
    )
