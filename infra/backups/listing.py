"""Which backups there are, what is known of each, and whether its bytes are still those written."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from infra.backups import manifest, multipart, records, report
from infra.backups.manifest import ID, Manifest, Stored
from infra.backups.records import DRILLS, Drill, Result
from infra.backups.store import Listed, Store
from infra.errors import Problem, UserError

BLOCK = 1 << 20
NO_MANIFEST = "has no manifest: its run is still under way, or did not end well"
LIST_REMEDY = "slipway backup list names those that are there"


@dataclass(frozen=True)
class Backup:
    """One prefix of the bucket that has the name of a backup. ``manifest`` is None where there is none that
    can be believed, and ``problem`` says why; ``drill`` is the newest record that can be believed."""

    id: str
    objects: tuple[Listed, ...]
    drills: tuple[Listed, ...]
    manifest: Manifest | None
    problem: Problem | None
    drill: Drill | None

    @property
    def newest(self) -> datetime:
        """When the last of its objects was written, by the store's clock."""
        return max(found.modified for found in self.objects)

    @property
    def complete(self) -> bool:
        """Whether there is a manifest at all, good or bad."""
        return any(found.key.endswith(f"/{manifest.NAME}") for found in self.objects)

    @property
    def verified(self) -> datetime | None:
        """When a drill last restored it and found everything, unless a later drill did not."""
        drill = self.drill
        sound = self.manifest and not self.problem
        return drill.moment if sound and drill and drill.result is Result.OK else None

    def line(self) -> dict[str, Any]:
        """As the verb ``list`` tells it."""
        made = self.manifest
        problem = self.problem
        if problem is None and self.drill and self.drill.result is Result.FAILED:
            what = f"the drill of {self.drill.at} failed: {'; '.join(self.drill.findings)}"
            problem = Problem(self.id, what, manifest.REMEDY)
        return {
            "id": self.id,
            "kind": made.kind.value if made else None,
            "created": made.created if made else None,
            "bytes": made.bytes if made else sum(found.bytes for found in self.objects),
            "database": made.database if made else None,
            "schema_revision": made.schema_revision if made else None,
            "verified": self.verified.isoformat() if self.verified else None,
            "problem": f"{problem.where}: {problem.what}" if problem else None,
        }


class Catalogue:
    """Reads the stack's part of the bucket. What was read once is kept, as long as the listing names the same
    object: manifests and records never change."""

    def __init__(self, store: Store, key: bytes) -> None:
        self.store, self._key = store, key
        self._kept: dict[Listed, Manifest | Drill | UserError] = {}

    def read(self) -> list[Backup]:
        """Every backup and what is left of any, the newest first. Raises UserError: the store is away."""
        objects: dict[str, list[Listed]] = {}
        drills: dict[str, list[Listed]] = {}
        for found in self.store.list():
            first, *rest = found.key.removeprefix(self.store.key("")).split("/")
            if ID.match(first) and len(rest) == 1:
                objects.setdefault(first, []).append(found)
            elif first == DRILLS and len(rest) == 2 and ID.match(rest[0]) and records.NAME.match(rest[1]):
                drills.setdefault(rest[0], []).append(found)
        groups = (*objects.values(), *drills.values())
        self._load(found for group in groups for found in _telling(group))
        return [
            self._backup(name, objects[name], drills.get(name, [])) for name in sorted(objects, reverse=True)
        ]

    def find(self, name: str) -> Manifest:
        """One backup's manifest. Raises UserError where it is not there, or cannot be believed."""
        found = next((backup for backup in self.read() if backup.id == name), None)
        if found is None:
            raise UserError.of(f"backup {name[:40]}", "is not there", LIST_REMEDY)
        if found.problem or found.manifest is None:
            raise UserError(filter(None, [found.problem]))
        return found.manifest

    def _load(self, wanted: Iterable[Listed]) -> None:
        wanted = list(wanted)
        self._kept = {found: self._kept[found] for found in wanted if found in self._kept}
        missing = [found for found in wanted if found not in self._kept]
        with ThreadPoolExecutor(multipart.PARTS_AT_ONCE) as pool:
            self._kept |= dict(zip(missing, pool.map(self._get, missing), strict=True))

    def _get(self, found: Listed) -> Manifest | Drill | UserError:
        is_manifest = found.key.endswith(f"/{manifest.NAME}")
        data = self.store.get(found.key, manifest.LARGEST if is_manifest else records.LARGEST)
        try:
            read = manifest.read if is_manifest else records.read
            return read(found.key, data, self._key)
        except UserError as error:
            return error

    def _backup(self, name: str, objects: list[Listed], drills: list[Listed]) -> Backup:
        made = drill = problem = None
        for found in _telling(objects):
            got = self._kept[found]
            problem = self._displaced(got, name, found.key)
            made = got if isinstance(got, Manifest) and problem is None else None
        if made is None and problem is None:
            problem = Problem(f"backup {name}", NO_MANIFEST, manifest.REMEDY)
        if made:
            problem = _lacking(made, self.store, objects)
        for found in _telling(drills):
            got = self._kept[found]
            problem = problem or self._displaced(got, name, found.key)
            drill = got if isinstance(got, Drill) and self._displaced(got, name, found.key) is None else None
        return Backup(name, tuple(objects), tuple(drills), made, problem, drill)

    def _displaced(self, got: Manifest | Drill | UserError, name: str, key: str) -> Problem | None:
        """Why what was read cannot be believed, if so: signed is not enough, it must lie in its place."""
        if isinstance(got, UserError):
            return got.problems[0]
        theirs = got.id if isinstance(got, Manifest) else got.backup
        if (got.stack, theirs) != (self.store.config.stack, name):
            what = f"belongs to {got.stack}/{theirs}: somebody has copied it here"
            return Problem(key, what, manifest.REMEDY)
        return None


def _telling(group: list[Listed]) -> list[Listed]:
    """The manifest among a backup's objects, or the newest of its drills' records."""
    if any(f"/{DRILLS}/" in found.key for found in group):
        return [max(group, key=lambda found: found.key)]
    return [found for found in group if found.key.endswith(f"/{manifest.NAME}")]


def _lacking(made: Manifest, store: Store, objects: list[Listed]) -> Problem | None:
    """What a listing alone shows to be wrong."""
    there = {found.key: found.bytes for found in objects}
    for stored in made.objects:
        key = store.key(made.id, stored.name)
        if key not in there:
            return Problem(key, "is missing, and the manifest names it", manifest.REMEDY)
        if there[key] != stored.bytes:
            what = f"has {there[key]} bytes, and the manifest says {stored.bytes}"
            return Problem(key, what, manifest.REMEDY)
    return None


def verify(store: Store, key: bytes, name: str) -> Manifest:
    """Reads every byte of a backup. Raises UserError with everything that is not as the manifest says."""
    found = Catalogue(store, key).find(name)
    problems = list(_wrong(store, found))
    if problems:
        raise UserError(problems)
    return found


def _wrong(store: Store, made: Manifest) -> Iterator[Problem]:
    for stored in made.objects:
        key = store.key(made.id, stored.name)
        with report.step("verify", object=stored.name):
            size, digest = _read(store, key, stored)
        if size != stored.bytes:
            yield Problem(key, f"has {size} bytes, and the manifest says {stored.bytes}", manifest.REMEDY)
        elif digest != stored.sha256:
            yield Problem(key, "its SHA-256 is not the manifest's: its bytes have changed", manifest.REMEDY)


def _read(store: Store, key: str, stored: Stored) -> tuple[int, str]:
    digest, counter = hashlib.sha256(), report.Counter(f"verify {stored.name}", stored.bytes)
    with store.open(key) as (stream, _length):
        while block := stream.read(BLOCK):
            digest.update(block)
            counter.add(len(block))
    return counter.done, digest.hexdigest()
