"""``python -m infra.backups.pitr VERB``: what the postgres pod's second container and the restore's Job run.

Exit codes: 0 well, 1 a problem was reported, 2 usage, 143 ended by SIGTERM.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, NoReturn

from infra.backups import report
from infra.backups.pitr import history, place, recovery, schedule, server, target
from infra.backups.pitr.repository import Backup, Repository
from infra.errors import UserError

ENDED = 128 + signal.SIGTERM


def main(arguments: list[str]) -> int:
    """Runs one verb; its outcome is the last line of standard output."""
    parser = argparse.ArgumentParser(prog="python -m infra.backups.pitr")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for name in ("keep", "status", "swap", "undo", "forget"):
        verbs.add_parser(name)
    verbs.add_parser("check").add_argument("--to", required=True)
    restore = verbs.add_parser("restore")
    restore.add_argument("--to", required=True)
    restore.add_argument("--run", default="")
    given = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _leave)  # the first process of a pod ignores it otherwise
    try:
        VERBS[given.verb](place.load(), given)
    except UserError as error:
        report.problems(error)
        return error.exit_code
    return 0


def _keep(where: place.Place, _given: argparse.Namespace) -> None:
    schedule.keep(Repository(where), schedule.load(os.environ), threading.Event())


def _leave(_number: int, _frame: object) -> NoReturn:
    """Takes children along. What is broken off goes on with what it has, the next time."""
    raise SystemExit(ENDED)


def _status(where: place.Place, _given: argparse.Namespace) -> None:
    info = Repository(where).info()
    report.say(
        "result",
        backups=[_shown(found) for found in info.backups],
        newest_wal=info.newest_wal,
        archiver=server.archiver(where),
    )


def _shown(found: Backup) -> dict[str, Any]:
    return {**asdict(found), "begun": target.stamp(found.begun), "ended": target.stamp(found.ended)}


def _check(where: place.Place, given: argparse.Namespace) -> None:
    """Whether the moment can be restored; the WAL up to now is archived by it."""
    moment = target.parse(given.to, datetime.now(UTC))
    chosen = target.choose(Repository(where).info().backups, moment, history.branches(where))
    with report.step("archive"):
        segment = server.close_segment(where)
    report.say("result", target=target.stamp(moment), backup=_shown(chosen), newest_wal=segment)


def _restore(where: place.Place, given: argparse.Namespace) -> None:
    """Restores beside the live folder, proves it, and swaps. PostgreSQL must be stopped."""
    moment = target.parse(given.to, datetime.now(UTC))
    with recovery.locked(where) as lock:
        proof = recovery.run(where, moment, given.run, lock)
    report.say("result", target=target.stamp(moment), proof=asdict(proof) if proof else None)


def _swap(where: place.Place, _given: argparse.Namespace) -> None:
    with recovery.locked(where):
        recovery.swap(where)
    report.say("result", swapped=True)


def _undo(where: place.Place, _given: argparse.Namespace) -> None:
    with recovery.locked(where):
        recovery.undo(where)
    report.say("result", undone=True)


def _forget(where: place.Place, _given: argparse.Namespace) -> None:
    recovery.forget(where)
    report.say("result", forgotten=True)


VERBS = {
    "keep": _keep,
    "status": _status,
    "check": _check,
    "restore": _restore,
    "swap": _swap,
    "undo": _undo,
    "forget": _forget,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
