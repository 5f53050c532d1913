"""Restore to a moment, beside the live data folder, and the swap. Each step may be cut short and rerun."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from infra.backups import report
from infra.backups.pitr import history, target, trial
from infra.backups.pitr.place import Place
from infra.backups.pitr.repository import Backup, Repository
from infra.errors import UserError

LOCK_SECONDS = 30.0
POLL_SECONDS = 0.1
WAL_BYTES = 512 << 20  # what recovery and the first checkpoints may add to the database's own size


class Step(StrEnum):
    """How far is a restore?"""

    FETCHING = "fetching"  # files come from the repository
    REPLAYING = "replaying"  # WAL is replayed up to the target
    READY = "ready"  # it is proved, and stopped cleanly
    SWAPPING = "swapping"
    SWAPPED = "swapped"
    UNDOING = "undoing"
    UNDONE = "undone"


ENDED = frozenset({Step.SWAPPED, Step.UNDONE})


@dataclass(frozen=True)
class State:
    """The file restore.json on the volume, so that the next run knows what the folders are."""

    target: str
    backup: str
    timeline: int | None
    step: Step
    run: str = ""  # who asked: a run that is done is not done again


@contextmanager
def locked(place: Place) -> Iterator[int]:
    """The volume's lock, which a running PostgreSQL holds too (start.sh). Raises UserError where it stays."""
    descriptor = os.open(place.lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        end = time.monotonic() + LOCK_SECONDS
        while not _take(descriptor):
            if time.monotonic() > end:
                raise UserError.of(
                    "volume",
                    f"is in use: {place.lock} was not free within {LOCK_SECONDS:.0f} s",
                    "stop PostgreSQL first, or wait for the other restore",
                )
            time.sleep(POLL_SECONDS)
        yield descriptor
    finally:
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def run(place: Place, moment: datetime, run: str, lock: int) -> trial.Proof | None:
    """Restores and swaps, after a swap that was cut short. None where this run did all of it before."""
    state = read(place)
    if state and state.step is Step.SWAPPING:
        swap(place)
        if state.target == target.stamp(moment):
            return None
    if state and state.step is Step.SWAPPED and run and state.run == run:
        return None
    proof = restore(place, moment, run, lock)
    swap(place)
    return proof


def restore(place: Place, moment: datetime, run: str, lock: int) -> trial.Proof | None:
    """Makes ``data.restored`` as of the moment; None where it is there already. Resumes an earlier run."""
    state = read(place)
    _no_swap_is_open(state)
    repository = Repository(place)
    wanted = target.stamp(moment)
    if state is None or state.target != wanted or state.step in ENDED or not place.restored.exists():
        state = _begin(repository, moment, run)
    if state.step is Step.READY:
        return None
    if state.step is Step.FETCHING:
        with report.step("fetch", backup=state.backup, target=wanted):
            _fetch(repository, state, moment, lock)
        state = _advance(place, state, Step.REPLAYING)
    with report.step("replay", target=wanted):
        proof = trial.prove(place, lock, _Segments().told)
    _advance(place, state, Step.READY)
    return proof


class _Segments:
    """Says how many segments were replayed, every two seconds at most."""

    def __init__(self) -> None:
        self._count, self._said = 0, time.monotonic()

    def told(self, count: int) -> None:
        """``count`` segments so far."""
        if count != self._count and time.monotonic() - self._said >= report.PROGRESS_SECONDS:
            self._count, self._said = count, time.monotonic()
            report.say("progress", step="replay", segments=count)


def _begin(repository: Repository, moment: datetime, run: str) -> State:
    place = repository.place
    branches = history.branches(place)
    found = target.choose(repository.info().backups, moment, branches)
    _room(place, found)
    timeline = branches[-1].timeline if branches else None
    state = State(target.stamp(moment), found.label, timeline, Step.FETCHING, run)
    write(place, state)
    return state


def _no_swap_is_open(state: State | None) -> None:
    if state and state.step in {Step.SWAPPING, Step.UNDOING}:
        raise UserError.of("volume", f"is in the middle of {state.step}", "finish that first: run it again")


def _fetch(repository: Repository, state: State, moment: datetime, lock: int) -> None:
    """What is there of an earlier run is compared by checksum and kept, where pgBackRest can tell."""
    place = repository.place
    delta = any((place.restored / name).exists() for name in ("PG_VERSION", "backup.manifest"))
    if not delta:
        shutil.rmtree(place.restored, ignore_errors=True)
        place.restored.mkdir(mode=0o700)
    (place.restored / "postmaster.pid").unlink(missing_ok=True)
    get = " ".join(repository.command(f"--pg1-path={place.restored}", 'archive-get %f "%p"'))
    # Segments that never reached the archive are still in the live folder. 1: the archive has no such file.
    get += f' || {{ [ $? -eq 1 ] && cp {place.live}/pg_wal/%f "%p"; }}'
    options = [f"--pg1-path={place.restored}", f"--set={state.backup}"]
    options += ["--type=time", f"--target={target.written(moment)}", "--target-action=promote"]
    options += [f"--target-timeline={state.timeline}"] if state.timeline else []
    options += ["--delta"] if delta else []
    repository.run(*options, f"--recovery-option=restore_command={get}", "restore", keep=(lock,))


def _room(place: Place, backup: Backup) -> None:
    held = sum(file.lstat().st_size for file in place.restored.rglob("*") if not file.is_dir())
    free = shutil.disk_usage(place.mount).free + held
    wanted = backup.bytes + WAL_BYTES
    if free < wanted:
        raise UserError.of(
            "volume",
            f"has {free >> 20} MiB free, and a second copy of the database needs {wanted >> 20} MiB",
            "give it more (postgres.storage), or remove the copy of an earlier restore with --forget",
        )


def swap(place: Place) -> None:
    """``data`` becomes ``data.previous`` and ``data.restored`` becomes ``data``."""
    state = read(place)
    if state and state.step is Step.SWAPPED:
        return
    if state is None or state.step not in {Step.READY, Step.SWAPPING}:
        raise UserError.of("volume", "has no restored data folder that is ready", "restore first: --to TIME")
    state = _advance(place, state, Step.SWAPPING)
    if place.live.exists() and place.restored.exists():
        shutil.rmtree(place.previous, ignore_errors=True)
        _rename(place.live, place.previous)
    if place.restored.exists():
        _rename(place.restored, place.live)
    _advance(place, state, Step.SWAPPED)


def undo(place: Place) -> None:
    """Puts ``data.previous`` back; the restored one is ``data.restored`` again."""
    state = read(place)
    if state and state.step is Step.UNDONE:
        return
    if state is None or state.step not in {Step.SWAPPED, Step.UNDOING}:
        raise UserError.of("volume", "has no swap that could be undone", "nothing is to do")
    if state.step is Step.SWAPPED and not place.previous.exists():
        raise UserError.of("volume", "has no previous data folder", "it was removed, or there was none")
    state = _advance(place, state, Step.UNDOING)
    if place.live.exists() and place.previous.exists():
        _rename(place.live, place.restored)
    if place.previous.exists():
        _rename(place.previous, place.live)
    _advance(place, state, Step.UNDONE)


def forget(place: Place) -> None:
    """Removes the copies beside the live folder. Refuses in the middle of a swap."""
    _no_swap_is_open(read(place))
    for folder in (place.restored, place.previous):
        shutil.rmtree(folder, ignore_errors=True)
    place.state.unlink(missing_ok=True)


def read(place: Place) -> State | None:
    """The state on the volume; None where there is none."""
    if not place.state.exists():
        return None
    found = json.loads(place.state.read_text())
    return State(**{**found, "step": Step(found["step"])})


def write(place: Place, state: State) -> None:
    """There whole, or not at all."""
    fresh = place.state.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(asdict(state), file)
        file.flush()
        os.fsync(file.fileno())
    _rename(fresh, place.state)


def _advance(place: Place, state: State, step: Step) -> State:
    advanced = replace(state, step=step)
    write(place, advanced)
    return advanced


def _rename(source: Path, goal: Path) -> None:
    source.rename(goal)
    folder = os.open(goal.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
