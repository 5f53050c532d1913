"""The moment that a restore goes to, and the base backup that it starts from."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from infra.backups.pitr.history import Branch, holds
from infra.backups.pitr.repository import WHERE, Backup
from infra.errors import EXIT_USAGE, UserError

OPTION = "--to"
EXAMPLE = "2026-11-20T03:00:05Z, or with an offset: 2026-11-20T12:00:05+09:00"
GRAIN = timedelta(seconds=1)  # pgBackRest tells a backup's end in whole seconds, rounded down


def parse(text: str, now: datetime) -> datetime:
    """The moment in UTC. Raises UserError for what is no moment, has no time zone, or has not come yet."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise _wrong(text, "is no moment") from None
    if moment.tzinfo is None:
        raise _wrong(text, "has no time zone, and an hour's difference would be an hour of rows")
    moment = moment.astimezone(UTC)
    if moment > now:
        raise _wrong(text, f"has not come yet: it is {stamp(now)}")
    return moment


def stamp(moment: datetime) -> str:
    """``2026-11-20T03:00:05Z``; parts of a second only where there are some."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def written(moment: datetime) -> str:
    """As PostgreSQL takes recovery_target_time."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"


def choose(backups: Iterable[Backup], moment: datetime, branches: Iterable[Branch]) -> Backup:
    """The newest sound base backup that ended before the moment, on the database's own timelines."""
    branches = tuple(branches)
    sound = [
        found for found in backups if not found.damaged and holds(branches, found.timeline, found.stop_lsn)
    ]
    if not sound:
        raise UserError.of(
            WHERE, "has no base backup yet", "restore a dump instead: slipway restore STACK --at TIME"
        )
    before = [found for found in sound if found.ended + GRAIN <= moment]
    if not before:
        first = min(found.ended for found in sound) + GRAIN
        raise UserError.of(
            f"{OPTION} {stamp(moment)}",
            f"is before the first base backup, which ended at {stamp(first)}",
            f"name {stamp(first)} or later, or restore a dump: slipway restore STACK --at {stamp(moment)}",
        )
    return max(before, key=lambda found: found.ended)


def _wrong(text: str, what: str) -> UserError:
    return UserError.of(f"{OPTION} {text}", what, f"write it like {EXAMPLE}", exit_code=EXIT_USAGE)
