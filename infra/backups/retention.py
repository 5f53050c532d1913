"""Which backups go, and why each of the others stays. ``decide`` is a pure function; ``apply`` does it.

Age is counted from the newest backup, not from a clock: where no new backup comes, none goes, and a clock
that has jumped ahead removes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from infra.backups import contents, manifest, records, report
from infra.backups.config import Config
from infra.backups.listing import Backup
from infra.backups.manifest import ID, Kind
from infra.backups.store import Store
from infra.errors import UserError

# Deleted is not gone: for a week people can have it back from the store's versions.
GRACE = timedelta(days=7)
CLOCKS_DIFFER = timedelta(hours=1)
OURS = re.compile(
    rf"^(?:{re.escape(manifest.NAME)}|(?:{'|'.join(map(re.escape, contents.NAMES))})(?:\.zst)?(?:\.age)?)$"
)


@dataclass(frozen=True)
class Seen:
    """A backup as the decision sees it. ``made`` and ``kind`` are None without a manifest that can be
    believed; ``sound``: its objects match it, as far as a listing shows; ``complete``: there is some
    manifest; ``drilled``: there are records of drills; ``written``: its last object's time, by the store."""

    id: str
    made: datetime | None
    kind: Kind | None
    sound: bool
    verified: datetime | None
    complete: bool
    drilled: bool
    written: datetime

    @classmethod
    def of(cls, backup: Backup) -> Seen:
        """From what the listing has read."""
        made = backup.manifest
        return cls(
            id=backup.id,
            made=made.moment if made else None,
            kind=made.kind if made else None,
            sound=made is not None and backup.problem is None,
            verified=backup.verified,
            complete=backup.complete,
            drilled=bool(backup.drills),
            written=backup.newest,
        )


@dataclass(frozen=True)
class Policy:
    """How long backups stay. Weeks are ISO's, weeks and months those of the team's time zone."""

    days: int
    weekly: int
    monthly: int
    deadline: timedelta
    zone: ZoneInfo

    @classmethod
    def of(cls, config: Config) -> Policy:
        """From the pod's variables."""
        return cls(
            days=config.retention_days,
            weekly=config.keep_weekly,
            monthly=config.keep_monthly,
            deadline=timedelta(seconds=config.deadline_seconds),
            zone=config.time_zone,
        )


@dataclass(frozen=True)
class Decision:
    """What becomes of one backup, and why."""

    id: str
    keep: bool
    reason: str


def decide(seen: Sequence[Seen], now: datetime, policy: Policy) -> list[Decision]:
    """One decision for each, in their order. ``now`` is the store's clock."""
    sound = sorted((each for each in seen if each.made and each.sound), key=_made, reverse=True)
    past = [each for each in sound if _made(each) <= now + CLOCKS_DIFFER]
    kept = _kept(past, policy)
    newest = _made(past[0]) if past else None
    return [_decision(each, now, policy, kept, newest) for each in seen]


def _made(each: Seen) -> datetime:
    if each.made is None:
        raise ValueError(f"{each.id} has no manifest")
    return each.made


def _kept(past: Sequence[Seen], policy: Policy) -> dict[str, str]:
    """Why sound backups stay whatever their age: id → reason. ``past`` is the newest first."""
    reasons: dict[str, str] = {}
    for most, form in ((policy.weekly, "%G-W%V"), (policy.monthly, "%Y-%m")):
        for name, each in _last_of(past, most, form, policy.zone):
            reasons[each.id] = f"the last of {name}"
    for kind in Kind:
        newest = next((each for each in past if each.kind is kind), None)
        if newest:
            reasons[newest.id] = f"the newest of kind {kind}"
    verified = next((each for each in past if each.verified), None)
    if verified:
        reasons[verified.id] = "the newest that a drill has verified"
    return reasons


def _last_of(past: Sequence[Seen], most: int, form: str, zone: ZoneInfo) -> Iterator[tuple[str, Seen]]:
    """The last backup of each of the ``most`` newest weeks or months that have one."""
    last: dict[str, Seen] = {}
    for each in past:
        last.setdefault(f"{_made(each).astimezone(zone):{form}}", each)
    yield from list(last.items())[:most]


def _decision(
    each: Seen, now: datetime, policy: Policy, kept: dict[str, str], newest: datetime | None
) -> Decision:
    if each.made is None:
        return _without_manifest(each, now, policy)
    if each.made > now + CLOCKS_DIFFER:
        return Decision(each.id, True, "its time lies in the future")
    if each.id in kept:
        return Decision(each.id, True, kept[each.id])
    if newest is None:
        return Decision(each.id, True, "no backup is sound, so none goes")
    age = newest - each.made
    days = f"{age / timedelta(days=1):.1f} days older than the newest"
    if age <= timedelta(days=policy.days):
        return Decision(each.id, True, f"{days}; {policy.days} are kept")
    return Decision(each.id, False, f"{days}; {policy.days} are kept")


def _without_manifest(each: Seen, now: datetime, policy: Policy) -> Decision:
    if each.complete:
        return Decision(each.id, True, "its manifest cannot be believed, so nothing shows that we made it")
    if each.drilled:
        return Decision(each.id, True, "its manifest is gone, though a drill restored it: who removed it?")
    age = now - each.written
    if age <= policy.deadline:
        return Decision(each.id, True, "no manifest yet: its run may still be under way")
    hours = f"{age / timedelta(hours=1):.1f} hours"
    return Decision(each.id, False, f"left by a run that did not end well: no manifest after {hours}")


def check_clocks(here: datetime, there: datetime) -> None:
    """Raises UserError where the pod's and the store's clocks differ: then age means nothing."""
    if abs(here - there) > CLOCKS_DIFFER:
        what = f"this pod has {here:%Y-%m-%d %H:%M:%S}, and the store {there:%Y-%m-%d %H:%M:%S} UTC"
        remedy = "nothing was removed; set both clocks right (NTP), then run it again"
        raise UserError.of("clocks", what, remedy)


def remove(store: Store, backup: Backup) -> None:
    """One backup: first what calls it verified, then the manifest, so that a kill leaves either a backup or
    what the next run takes for remains; nothing that we do not write ourselves."""
    ours = [found.key for found in backup.objects if OURS.match(found.key.rsplit("/", 1)[1])]
    ours.sort(key=lambda key: not key.endswith(f"/{manifest.NAME}"))
    for key in (*(record.key for record in backup.drills), *ours):
        store.delete(key)


def apply(store: Store, backups: Iterable[Backup], decisions: Iterable[Decision], *, dry_run: bool) -> None:
    """Removes what is not kept, unless it is a dry run, and says of each backup what and why."""
    by_id = {backup.id: backup for backup in backups}
    for decision in decisions:
        action = "keep" if decision.keep else "would remove" if dry_run else "remove"
        if not decision.keep and not dry_run:
            remove(store, by_id[decision.id])
        report.say("retention", backup=decision.id, action=action, reason=decision.reason)


def forget_versions(store: Store, now: datetime) -> int:
    """Ends for good what was deleted a week ago, in the store in the cluster; how many objects. At AWS the
    bucket's lifecycle does that. What a lock still holds is left for a later run."""
    count = 0
    for found in store.deleted():
        *_, place, name = found.key.split("/")
        ours = (ID.match(place) and OURS.match(name)) or records.NAME.match(name)
        if not ours or now - found.moment <= GRACE:
            continue
        try:
            for version in found.versions:
                store.delete_version(found.key, version)
        except UserError as error:
            report.say("warning", what=f"{found.key} stays: {error.problems[0].what}")
            continue
        count += 1
    return count
