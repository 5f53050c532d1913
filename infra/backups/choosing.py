"""Which backup: by its id, the last before a moment, or the newest; its manifest is what it seems."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from infra.backups import manifest
from infra.backups.config import Config
from infra.backups.findings import Finding, damage
from infra.backups.manifest import Manifest
from infra.backups.store import Store
from infra.errors import UserError

LIST = "slipway backup list names those that there are"


def ids(store: Store) -> dict[str, set[str]]:
    """Every backup's id and the names of its objects, oldest first."""
    found: dict[str, set[str]] = defaultdict(set)
    beginning = len(store.key(""))
    for listed in store.list():
        folder, _, name = listed.key[beginning:].partition("/")
        if manifest.ID.match(folder):
            found[folder].add(name)
    return dict(sorted(found.items()))


def begun(backup: str) -> datetime:
    """When the backup with this id began."""
    return datetime.strptime(backup[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def choose(config: Config, store: Store, backup: str | None = None, at: datetime | None = None) -> Manifest:
    """The manifest of the backup; without either the newest. Raises BackupError and UserError."""
    there = ids(store)
    if backup is not None:
        return opened(config, store, backup, there.get(backup, set()))
    complete = [found for found, names in there.items() if manifest.NAME in names]
    if not complete:
        what = f"the bucket {config.bucket} holds no backup of {config.stack}"
        raise damage(Finding.NO_BACKUP, "backups", what, "make one: slipway backup now")
    if at is None:
        return opened(config, store, complete[-1], there[complete[-1]])
    for found in reversed(complete):
        if begun(found) <= at:
            read = opened(config, store, found, there[found])
            if read.moment <= at:
                return read
    what = f"no backup is as old as {at.isoformat()}; the oldest began {begun(complete[0]).isoformat()}"
    raise UserError.of("backups", what, LIST)


def opened(config: Config, store: Store, backup: str, names: set[str]) -> Manifest:
    """The backup's manifest, checked. ``names``: of its objects."""
    key = store.key(backup, manifest.NAME)
    if not names:
        raise UserError.of(backup, f"is no backup of {config.stack}", LIST)
    if manifest.NAME not in names:
        what = "is missing: without it nobody knows whether the dump is whole"
        raise damage(Finding.MANIFEST_MISSING, key, what, f"take another backup: {LIST}")
    read = manifest.read(key, store.get(key, manifest.LARGEST), config.signing_key)
    if (read.id, read.stack) != (backup, config.stack):
        what = f"is of the backup {read.id} of {read.stack}: somebody has put it here"
        raise damage(Finding.MANIFEST_FORGED, key, what, manifest.REMEDY)
    return read
