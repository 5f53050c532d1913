"""`slipway restore`: a backup beside the live database, compared with its manifest, then in its place."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from infra.cli import restore_to
from infra.cli.lifecycle import Stack
from infra.errors import EXIT_USAGE, UserError

if TYPE_CHECKING:
    from infra.backup_jobs import Event
    from infra.kubectl import Place


KEPT = "what is live now is kept beside it"
OVERWRITTEN = "keys of the same name are overwritten, others stay"
At = Annotated[str | None, typer.Option(help="The last backup before that time, as 2026-11-20T03:00.")]
Backup = Annotated[
    str | None, typer.Option(metavar="ID", help="This backup, as `slipway backup list` names it.")
]
To = Annotated[
    str | None,
    typer.Option(
        metavar="MOMENT",
        help="The whole database at that second, as 2026-11-20T03:00:05Z, from the archive of its log; "
        "`previous` takes it back.",
    ),
]
From = Annotated[
    str | None,
    typer.Option("--from", metavar="STACK", help="A backup of another stack, with personal data masked."),
]
Tables = Annotated[str | None, typer.Option(help="Only these (a,b); with --into.")]
Into = Annotated[
    str | None, typer.Option(metavar="NAME", help="Into a new database of that name; nothing is swapped.")
]
Cache = Annotated[bool, typer.Option("--cache", help="The cache's keys alone; the database stays as it is.")]
Undo = Annotated[bool, typer.Option("--undo", help="Take the last restore back.")]
Forget = Annotated[bool, typer.Option("--forget", help="Drop the database that was replaced.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask, for unattended use.")]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


def restore(
    stack: Stack = "sandbox",
    at: At = None,
    backup: Backup = None,
    to: To = None,
    source: From = None,
    tables: Tables = None,
    into: Into = None,
    cache: Cache = False,
    undo: Undo = False,
    forget: Forget = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Restore a backup (the newest without --at or --backup) and put it in the live database's place."""
    from infra import backup_jobs

    wanted = {"--at": at, "--backup": backup, "--from": source, "--tables": tables, "--into": into}
    _refuse_contradictions({**wanted, "--cache": cache, "--undo": undo, "--forget": forget}, to)
    where = backup_jobs.place(stack)
    if to:
        restore_to.restore_to(where, to, lambda what: _confirm(None if yes else stack, what), as_json=as_json)
        return
    if undo or forget:
        _again(where, "undo" if undo else "forget", yes=yes, as_json=as_json)
        return
    if cache:
        _fill(where, _choose(where, at, backup, as_json=as_json), yes=yes, as_json=as_json)
        return
    how = ["--jobs", str(_jobs(stack)), *(["--into", into] if into else [])]
    how += ["--tables", tables] if tables else []
    question = None if into or yes else stack
    if source:
        restored = _lent(where, source, (at, backup), how, question, as_json=as_json)
    else:
        chosen = _choose(where, at, backup, as_json=as_json)
        _confirm(question, f"puts {chosen} in the place of the live database of {stack}")
        restored = _run(where, ["restore", "--backup", chosen, *how], deletes=True, as_json=as_json)
    swapped = None if into else _run(where, ["swap"], deletes=False, as_json=as_json)
    _tell(stack, restored, swapped, as_json=as_json)


def _refuse_contradictions(given: dict[str, Any], to: str | None) -> None:
    """Raises UserError for options that say two things."""
    used = [name for name, value in given.items() if value]
    if to:
        restore_to.refuse_contradictions(used)
    alone = [name for name in ("--undo", "--forget") if name in used and len(used) > 1]
    if alone:
        what = f"stands with {', '.join(name for name in used if name != alone[0])}"
        raise UserError.of(alone[0], what, f"use {alone[0]} alone", exit_code=EXIT_USAGE)
    others = [name for name in ("--from", "--tables", "--into") if given["--cache"] and given[name]]
    if others:
        what = f"stands with {', '.join(others)}, which are for a database"
        raise UserError.of("--cache", what, "keep --at or --backup beside it alone", exit_code=EXIT_USAGE)
    if given["--at"] and given["--backup"]:
        what = "stands with --backup, and each names a backup"
        raise UserError.of("--at", what, "keep one of the two", exit_code=EXIT_USAGE)
    if given["--tables"] and not given["--into"]:
        what = "some tables alone cannot take the live database's place"
        raise UserError.of("--tables", what, "say where to: --into NAME", exit_code=EXIT_USAGE)


def _choose(where: Place, at: str | None, backup: str | None, *, as_json: bool) -> str:
    """The id. Lists the candidates for people. Raises UserError where none fits."""
    from infra import backup_jobs
    from infra.cli import backup as listing

    found: list[dict[str, Any]] = backup_jobs.ask(where, "list")["backups"]
    if not as_json:
        listing.show(where.stack, found)
    if backup:
        chosen = next((item for item in found if item["id"] == backup), None)
        if chosen is None:
            raise UserError.of(f"--backup {backup:.40}", "is not there", "take one of slipway backup list")
        if chosen["problem"]:
            raise UserError.of(backup, str(chosen["problem"]), "take another: slipway backup list")
        return backup
    if at:
        moment = moment_of(at, _time_zone(where.stack))
        found = [
            item for item in found if item["created"] and datetime.fromisoformat(item["created"]) <= moment
        ]
        if not found:
            what = "no backup is as old as that"
            raise UserError.of(
                f"--at {at:.40}", what, f"see which there are: slipway backup list {where.stack}"
            )
    return str(listing.newest(where.stack, found)["id"])


def moment_of(text: str, zone: str) -> datetime:
    """An ISO time; without an offset in the time zone of the schedules. Raises UserError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        remedy = "for example 2026-11-20T03:00, or 2026-11-20T03:00+09:00"
        raise UserError.of("--at", f"{text[:40]!r} is no time", remedy, exit_code=EXIT_USAGE) from None
    return found if found.tzinfo else found.replace(tzinfo=ZoneInfo(zone))


def _settings(stack: str) -> Any:
    from infra.settings import check

    return check.load(stack, secrets=False).backups


def _time_zone(stack: str) -> str:
    return str(_settings(stack).time_zone)


def _jobs(stack: str) -> int:
    return int(_settings(stack).restore_jobs)


def _confirm(stack: str | None, what: str, kept: str = KEPT) -> None:
    """The stack's name, typed; None asks nothing. Raises UserError where nobody can be asked, or something
    else was typed."""
    if stack is None:
        return
    if not sys.stdin.isatty():
        raise UserError.of("slipway restore", what, "say that it is meant: --yes", exit_code=EXIT_USAGE)
    typed = typer.prompt(f"This {what}; {kept}.\nType {stack} to go on")
    if typed.strip() != stack:
        raise UserError.of("slipway restore", "was not confirmed; nothing was changed", "run it again")


def _lent(
    where: Place,
    source: str,
    wanted: tuple[str | None, str | None],
    how: list[str],
    question: str | None,
    *,
    as_json: bool,
) -> Event:
    """A backup of another stack, always masked: who may see this stack's data need not see that one's.

    ``wanted``: --at and --backup. The Job itself chooses, since it alone can read that store.
    """
    from infra import backup_sources as sources
    from infra.cli import backup_view as view

    found = sources.of(where, source)
    at, backup = wanted
    which, words = ["--newest"], "the newest backup"
    if backup:
        which, words = ["--backup", backup], backup
    elif at:
        which = ["--at", moment_of(at, found.time_zone).isoformat()]
        words = f"the last backup before {at}"
    what = f"puts {words} of {source}, with personal data masked, in the place of the live database of"
    _confirm(question, f"{what} {where.stack}")
    with sources.lent(where, found, ["restore", *which, "--mask", *how]) as job:
        return view.run(job, deletes=True, as_json=as_json)


def _fill(where: Place, backup: str, *, yes: bool, as_json: bool) -> None:
    """The keys of the backup's copy of the cache, into the live one."""
    from infra.cli import backup_view as view

    question = None if yes else where.stack
    _confirm(question, f"puts the keys of {backup} into the cache of {where.stack}", OVERWRITTEN)
    done = _run(where, ["fill", "--backup", backup], deletes=False, as_json=as_json)
    if as_json:
        view.plain({"stack": where.stack, **_bare(done)})
        return
    typer.echo(f"{done.get('keys')} keys of {backup} are in the cache, each with what was left of its time")


def _again(where: Place, verb: str, *, yes: bool, as_json: bool) -> None:
    """The verbs that need no backup."""
    from infra.cli import backup_view as view

    meaning = {
        "undo": f"puts the database that was live before back in its place in {where.stack}",
        "forget": f"drops the database that the last restore of {where.stack} replaced, for good",
    }
    _confirm(None if yes else where.stack, meaning[verb])
    done = _run(where, [verb], deletes=False, as_json=as_json)
    if verb == "forget":
        restore_to.forget(where)
    if as_json:
        view.plain(_bare(done))
    elif verb == "undo":
        typer.echo(f"{done.get('database')} is again what it was before the last restore")
    else:
        typer.echo(f"dropped: {', '.join(done.get('dropped', [])) or 'nothing, there was nothing to drop'}")


def _run(where: Place, arguments: list[str], *, deletes: bool, as_json: bool) -> Event:
    from infra import backup_jobs
    from infra.cli import backup_view as view

    return view.run(backup_jobs.start(where, "restore", arguments), deletes=deletes, as_json=as_json)


def _bare(event: Event) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in {"event", "timestamp"}}


def _tell(stack: str, restored: Event, swapped: Event | None, *, as_json: bool) -> None:
    from infra.cli import backup_view as view

    chosen = restored.get("backup")
    if as_json:
        both = {"restored": _bare(restored), "swapped": _bare(swapped) if swapped else None}
        view.plain({"stack": stack, "backup": chosen, **both})
        return
    masked = "; then its personal data was masked" if restored.get("masked") else ""
    typer.echo(f"{chosen} is in the database {restored.get('database')}, equal to its manifest{masked}")
    if swapped is None:
        return
    typer.echo(
        f"it is live as {swapped.get('database')}; its users waited {swapped.get('unavailable_seconds')} s\n"
        f"  slipway restore {stack} --undo     takes it back\n"
        f"  slipway restore {stack} --forget   drops what was live before"
    )
