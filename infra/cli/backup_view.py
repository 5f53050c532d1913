"""What the pods of backups say, as people see it: steps with bars and the time left, or plain lines."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from infra.backup_jobs import Event, Job
from infra.errors import EXIT_INTERRUPTED, UserError
from infra.progress import Progress as Lines

UNITS = ("B", "KiB", "MiB", "GiB", "TiB")
STEP = 1024
PLAIN = {"event", "timestamp", "step"}


def run(job: Job, *, deletes: bool, as_json: bool) -> Event:
    """Follow a Job and show it; its result. Raises UserError with its problems.

    deletes: a Ctrl-C ends the Job; otherwise it goes on, and how to follow it is told.
    """
    try:
        with _shown(job, plain=as_json) as heard:
            return job.result(heard)
    except KeyboardInterrupt:
        if deletes:
            job.delete()
            what, remedy = "was ended; what it had begun does not count", "run the same command again"
        else:
            what, remedy = "goes on in the cluster", f"follow it: {job.follow_command}"
        raise UserError.of(f"job {job.name}", what, remedy, exit_code=EXIT_INTERRUPTED) from None


@contextmanager
def _shown(job: Job, *, plain: bool) -> Iterator[Callable[[Event], None]]:
    console = Console(stderr=True, highlight=False)
    if plain or not console.is_terminal:
        yield _lines(job)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, TextColumn("{task.fields[left]}"), TimeElapsedColumn(), console=console) as bars:
        yield _bars(bars)


def _lines(job: Job) -> Callable[[Event], None]:
    lines = Lines()

    def heard(event: Event) -> None:
        if text := words(event):
            lines.say(job.name, text)

    return heard


def _bars(bars: Progress) -> Callable[[Event], None]:
    tasks: dict[str, Any] = {}

    def heard(event: Event) -> None:
        name = str(event.get("step", ""))
        if event["event"] in {"step", "progress"} and name not in tasks:
            tasks[name] = bars.add_task(name, total=None, left="")
        if event["event"] == "progress":
            total, done = event.get("total"), event.get("bytes", 0)
            bars.update(tasks[name], completed=done, total=total, left=_left(event.get("seconds_left")))
        elif event["event"] == "done" and name in tasks:
            total = bars.tasks[tasks[name]].completed or 1
            bars.update(tasks[name], total=total, completed=total, left="")
        elif text := words(event):
            bars.console.print(text, markup=False)

    return heard


def words(event: Event) -> str:
    """A line about an event; empty for what has been shown otherwise: problems and the result."""
    kind, name = event["event"], event.get("step", "")
    if kind == "step":
        about = " ".join(value for key, value in event.items() if key not in PLAIN and isinstance(value, str))
        return " ".join(filter(None, (name, about, "…")))
    if kind == "done":
        return f"{name}: done in {event.get('seconds', 0)} s"
    if kind == "progress":
        total = f" of {size(event['total'])}" if event.get("total") else ""
        return f"{name}: {size(event.get('bytes', 0))}{total} {_left(event.get('seconds_left'))}".rstrip()
    if kind in {"problem", "result"}:
        return ""
    if kind == "text":
        return str(event["text"])
    rest = {key: value for key, value in event.items() if key not in {"event", "timestamp"}}
    return f"{kind}: {', '.join(f'{key} {value}' for key, value in rest.items())}"


def _left(seconds: Any) -> str:
    if not isinstance(seconds, int | float):
        return ""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d} left"


def size(count: float) -> str:
    """Bytes for people: ``1.5 GiB``."""
    for unit in UNITS:
        if count < STEP or unit == UNITS[-1]:
            return f"{count:.0f} {unit}" if unit == UNITS[0] else f"{count:.1f} {unit}"
        count /= STEP
    raise AssertionError(count)


def plain(value: Any) -> None:
    """For programs: JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
