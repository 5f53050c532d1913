"""The verbs that read backups: restore, fill, swap, undo, forget and drill."""

from __future__ import annotations

import argparse
from datetime import datetime
from typing import Any

from infra.backups import cache, choosing, drill, report, restore, swap
from infra.backups.config import Config
from infra.backups.records import Result
from infra.backups.store import Store
from infra.backups.verbs import deadline, identifier
from infra.errors import EXIT_FAILED, UserError

MOST_JOBS = 16
EXAMPLE = "2026-11-28T03:00+09:00"


def register(verbs: Any) -> None:
    """Adds them to argparse's subparsers."""
    made = verbs.add_parser("restore", help="restore into a new database", description=_restore.__doc__)
    which = made.add_mutually_exclusive_group()
    which.add_argument("--backup", type=identifier, metavar="ID", help="as `list` names it")
    which.add_argument("--at", type=moment, metavar="TIME", help="the last one before this moment, ISO 8601")
    which.add_argument("--newest", action="store_true", help="the newest one, which is also the default")
    made.add_argument("--into", metavar="NAME", help="the new database (if not given: …_restored)")
    made.add_argument("--tables", type=names, default=(), metavar="A,B", help="only these; needs --into")
    made.add_argument("--mask", action="store_true", help="personal data are replaced")
    made.add_argument("--jobs", type=jobs, default=restore.JOBS, metavar="N", help="of pg_restore at a time")
    made.set_defaults(run=_restore)
    made = verbs.add_parser("fill", help="fill the cache", description=_fill.__doc__)
    made.add_argument("--backup", type=identifier, metavar="ID", required=True, help="as `list` names it")
    made.set_defaults(run=_fill)
    for name, run in (("swap", _swap), ("undo", _undo), ("forget", _forget)):
        made = verbs.add_parser(name, help=(run.__doc__ or "").split(".")[0], description=run.__doc__)
        made.set_defaults(run=run)
    made = verbs.add_parser("drill", help="rehearse a restore", description=_drill.__doc__)
    made.add_argument("--backup", type=identifier, metavar="ID", help="the newest if not given")
    made.set_defaults(run=_drill)


def moment(text: str) -> datetime:
    """A moment with its offset from UTC, for argparse."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text[:40]!r} is no time, such as 2026-11-28T03:00+09:00"
        ) from None
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} says no time zone, such as 2026-11-28T03:00+09:00")
    return found


def names(text: str) -> tuple[str, ...]:
    """Tables separated by commas, for argparse."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    if not found:
        raise argparse.ArgumentTypeError("names no table")
    return found


def jobs(text: str) -> int:
    """A number of processes, for argparse."""
    if not text.isdecimal() or not 1 <= int(text) <= MOST_JOBS:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 1 to {MOST_JOBS}")
    return int(text)


def _restore(config: Config, chosen: argparse.Namespace) -> None:
    """Makes a new database beside the live one, restores a backup into it and compares it with the manifest.
    Run again after a kill, it goes on. Needs DATABASE_URL, and the keys signing-key and identity."""
    wanted = restore.Wanted(
        backup=chosen.backup,
        at=chosen.at,
        into=chosen.into,
        tables=chosen.tables,
        mask=chosen.mask,
        jobs=chosen.jobs,
    )
    report.say("result", **restore.run(config, wanted))


def _fill(config: Config, chosen: argparse.Namespace) -> None:
    """Puts the keys of a backup's copy of the cache into the live one, with what is left of their time. Needs
    REDIS_URL, and the keys signing-key and identity."""
    store = Store(config)
    keys = cache.fill(config, store, choosing.choose(config, store, chosen.backup))
    report.say("result", backup=chosen.backup, keys=keys)


def _swap(config: Config, _chosen: argparse.Namespace) -> None:
    """Puts the restored database in the live one's place, which is kept, and empties the cache. It happens
    wholly or not at all; run again after a kill, it does what is left. Needs DATABASE_URL and REDIS_URL."""
    report.say("result", **swap.swap(config))


def _undo(config: Config, _chosen: argparse.Namespace) -> None:
    """Takes the last swap back, and empties the cache. The restored database is kept."""
    report.say("result", **swap.undo(config))


def _forget(config: Config, _chosen: argparse.Namespace) -> None:
    """Drops what a swap or an undo took out. There is no way back after it."""
    report.say("result", **swap.forget(config))


def _drill(config: Config, chosen: argparse.Namespace) -> None:
    """Restores a backup into a throw-away PostgreSQL, compares it with its manifest, asks the modules'
    questions and writes a signed record. Needs the keys signing-key and identity."""
    with deadline(config):
        made = drill.run(config, chosen.backup)
    report.say(
        "result",
        backup=made.backup,
        result=made.result,
        seconds=made.seconds,
        findings=list(made.findings),
        at=made.at,
    )
    if made.result is not Result.OK:
        raise UserError([], exit_code=EXIT_FAILED)  # every reason has been said
