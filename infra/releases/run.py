"""From an image to the traffic, by `pulumi up` after `pulumi up`: tried, judged, flipped, watched; or back.

Each step first stands in the stack file: a run that is killed anywhere goes on where it was, and plain
`pulumi up` makes the same of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from infra import alerting, kubectl, stack_file
from infra import stack as stacks
from infra.errors import EXIT_FAILED, Problem, UserError
from infra.progress import Progress
from infra.releases import history, moves
from infra.releases.history import Step
from infra.releases.housekeeping import SECTION, plain
from infra.releases.judge import Figures, Judge, worse, worse_while_watched
from infra.releases.lease import Lease, held
from infra.releases.reasons import in_words
from infra.settings import check
from infra.settings.model import Settings
from infra.settings.release import Colour, Released

LOOK_SECONDS = 5.0  # between two looks at the figures


@dataclass
class Run:
    """One release of ``stack`` while it lasts; ``running``: what has the traffic where none was released."""

    stack: str
    settings: Settings
    running: str
    progress: Progress
    lease: Lease

    @property
    def now(self) -> Released:
        """What the stack file says."""
        return self.settings.released

    def to(self, wanted: Released, step: Step, image: str, why: str = "") -> None:
        """Write the state down, then make it so. Raises UserError."""
        self.lease.require()
        stack_file.put_section(self.stack, SECTION, plain(wanted))
        self.settings = check.load(self.stack)
        said = history.message(wanted.number, step, image, why)
        stacks.up(self.stack, self.progress, message=said, refresh=step in {Step.TRY, Step.ROLL})

    def say(self, text: str) -> None:
        """One line of progress."""
        self.progress.say(f"release {self.now.number}", text)


@contextmanager
def begun(stack: str, progress: Progress) -> Iterator[Run]:
    """Raises UserError where the stack is not up, or another release is under way."""
    settings = check.load(stack)
    # The engine's word costs a second of a rollback's ten: it is asked where the stack file does not say it.
    running = settings.released.image or str(stacks.outputs_while_up(stack)["images"]["service"])
    with held(kubectl.Place(stack, settings.namespace_name, stacks.surroundings(stack))) as lease:
        yield Run(stack, settings, running, progress, lease)


def release(stack: str, image: str, progress: Progress) -> None:
    """Raises UserError with the reasons where the image did not keep the traffic; then the old one has it."""
    with begun(stack, progress) as run:
        if run.settings.service.blue_green:
            _blue_green(run, image)
        else:
            _rolling(run, image)


def _rolling(run: Run, image: str) -> None:
    before = run.now
    old = before.image or run.running
    try:
        run.to(moves.rolled(before, image), Step.ROLL, image)
    except UserError as error:
        run.say(f"goes back to {old}")
        reasons = _reasons(error)
        run.to(before.model_copy(update={"number": run.now.number}), Step.BACK, image, "; ".join(reasons))
        raise _went_back(run, image, reasons) from None
    run.say(f"{image} has the traffic")


def _blue_green(run: Run, image: str) -> None:
    now = run.now
    if (now.image or run.running) == image and now.candidate is None:
        run.say(f"{image} has the traffic already; looking whether all of it is there")
        run.to(now, Step.FLIP if now.previous else Step.END, image)
    else:
        if now.candidate != image:  # else it was begun, and goes on
            now = moves.begun(now, image, run.running)
        _try(run, now, image)
        _flip(run, image)
    _watch(run, image)


def _try(run: Run, wanted: Released, image: str) -> None:
    """Beside what has the traffic. Raises UserError where it fails; then it is gone again."""
    release, colour = run.settings.service.release, wanted.active.other
    begun_at = time.monotonic()
    try:
        run.to(wanted, Step.TRY, image)
        seconds = int(time.monotonic() - begun_at)
        reasons = _judged(run, colour, min(seconds, release.soak_seconds)) if release.soak_seconds else []
    except UserError as error:
        reasons = _reasons(error)
    if reasons:
        run.say(f"{image} is taken away again; the traffic never left {wanted.active}")
        run.to(moves.alone(run.now), Step.BACK, image, "; ".join(reasons))
        raise _went_back(run, image, reasons)


def _judged(run: Run, colour: Colour, seconds: int) -> list[str]:
    """In which way the candidate is worse than what has the traffic."""
    judge = _judge(run)
    if judge is None:
        return []
    new, old = judge.candidate(colour, seconds), judge.serving(colour.other, seconds)
    run.say(f"{colour} under its checks: {new}; {colour.other}: {old}")
    return worse(new, old, run.settings.service.release)


def _judge(run: Run) -> Judge | None:
    """None where no Prometheus of the stack's own can be asked: then the checks alone decide."""
    monitoring = run.settings.monitoring
    if not monitoring.enabled or monitoring.operator:
        run.say("slipway:monitoring has no Prometheus to ask: the checks alone decide")
        return None
    return Judge(alerting.place(run.stack), run.settings)


def _flip(run: Run, image: str) -> None:
    keep = timedelta(minutes=run.settings.service.release.keep_minutes)
    run.to(moves.flipped(run.now, keep, datetime.now(UTC)), Step.FLIP, image)
    run.say(f"{run.now.active} has the traffic: {image}")


def _watch(run: Run, image: str) -> None:
    """Until its time is over, or it is worse than the one before. Raises UserError; then that one has it."""
    release, begun_at = run.settings.service.release, datetime.now(UTC)
    judge = _judge(run) if run.now.previous and release.watch_seconds else None
    if judge:
        colour = run.now.active
        old = judge.serving(colour.other, release.watch_seconds, begun_at)
        run.say(f"watching {colour} for {release.watch_seconds} s; {colour.other} before: {old}")
        looks = _looks(judge, colour, release.watch_seconds, begun_at)
        if reasons := worse_while_watched(looks, old, release):
            _return(run, image, "; ".join(reasons))
            raise _went_back(run, image, reasons)
        run.say(f"{colour}: {judge.serving(colour, release.watch_seconds)}")
    if run.now.previous and release.keep_minutes == 0:
        run.to(moves.alone(run.now), Step.END, image)


def _looks(judge: Judge, colour: Colour, seconds: int, begun_at: datetime) -> Iterator[Figures]:
    """Its figures since it has the traffic, again and again."""
    while (passed := (datetime.now(UTC) - begun_at).total_seconds()) < seconds:
        time.sleep(min(LOOK_SECONDS, seconds - passed))
        yield judge.serving(colour, int(passed) + 1)


def _return(run: Run, image: str, why: str) -> None:
    run.say(f"goes back to {run.now.active.other}: {why}")
    run.to(moves.returned(run.now), Step.BACK, image, why)


def _reasons(error: UserError) -> list[str]:
    """What Pulumi says of each resource that failed, else what the error says."""
    found = error.reasons if isinstance(error, stacks.UnfinishedError) else ()
    return list(map(in_words, found)) or [problem.what for problem in error.problems]


def _went_back(run: Run, image: str, reasons: list[str]) -> UserError:
    remedy = f"its lines: slipway logs {run.stack} --since 30m; mend it, then release it anew"
    return UserError(
        [Problem(f"release {run.now.number} of {image}", reason, remedy) for reason in reasons],
        exit_code=EXIT_FAILED,
    )


def rollback(stack: str, number: int | None, progress: Progress) -> str:
    """The image that has the traffic afterwards. Without ``number``: what is kept, else the last that served.

    Raises UserError where there is none.
    """
    with begun(stack, progress) as run:
        now = run.now
        if number is None and now.candidate:
            run.to(moves.alone(now), Step.BACK, now.candidate, "taken back by hand")
            return str(run.now.image)
        image = _chosen(run, number)
        if now.previous == image:
            given_up = str(now.image)
            run.to(moves.returned(now), Step.BACK, given_up, "taken back by hand")
        elif run.settings.service.blue_green:
            _blue_green(run, image)
        else:
            _rolling(run, image)
        return image


def _chosen(run: Run, number: int | None) -> str:
    if number is None and run.now.previous:
        return run.now.previous
    served, current = history.images(run.stack), run.now.image or run.running
    if number is None:
        if earlier := moves.before(current, served.values(), run.settings.images.service):
            return earlier
        what = "no release before the present one is known"
        raise UserError.of(f"stack {run.stack}", what, f"name an image: slipway release {run.stack} --image")
    if number not in served:
        known = ", ".join(map(str, served)) or "none"
        what = "is no release that had the traffic"
        raise UserError.of(f"--to {number}", what, f"known: {known}; slipway releases {run.stack}")
    return served[number]
