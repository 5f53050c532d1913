"""Some tables of a dump: what of its table of contents is restored, and which foreign keys cannot hold."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from infra.backups.findings import Finding, damage
from infra.backups.manifest import REMEDY, Manifest
from infra.errors import Problem, UserError

ENTRY = re.compile(
    r"(?P<id>\d+); \d+ \d+ (?P<kind>TABLE DATA|FK CONSTRAINT|MATERIALIZED VIEW DATA) (?P<schema>\S+) "
    r"(?P<tag>.+) \S+"
)
FOREIGN_KEY = re.compile(
    r"ALTER TABLE (?:ONLY )?(?P<table>\S+)\s+ADD CONSTRAINT (?P<name>\S+) FOREIGN KEY \(.*?\) "
    r"REFERENCES (?P<other>[^\s(]+)"
)


@dataclass(frozen=True)
class ForeignKey:
    """A foreign key that is left out, since what it refers to is not restored."""

    table: str
    name: str
    other: str


@dataclass(frozen=True)
class Selection:
    """``contents``: lines of pg_restore's --use-list. The tables that are not wanted are made empty, so that
    everything else finds what it refers to, and removed in the end."""

    contents: str
    left_out: tuple[ForeignKey, ...]


def qualified(name: str) -> str:
    """``public.users`` for ``users``."""
    return name if "." in name else f"public.{name}"


def named(manifest: Manifest, tables: Collection[str]) -> tuple[str, ...]:
    """The manifest's names of the wanted tables. Raises UserError with each that it does not have."""
    there = {qualified(table.name): table.name for table in manifest.tables}
    remedy = f"tables of this backup: {', '.join(sorted(there.values()))}"
    unknown = [
        Problem("--tables", f"{name!r} is no table of {manifest.id}", remedy)
        for name in tables
        if qualified(name) not in there
    ]
    if unknown:
        raise UserError(unknown)
    return tuple(sorted({there[qualified(name)] for name in tables}))


def select(dump: Path, tables: Collection[str]) -> Selection:
    """What is restored of the dump for these tables."""
    wanted = {qualified(table) for table in tables}
    contents = listed(dump)
    entries = [(line, ENTRY.fullmatch(line)) for line in contents.splitlines()]
    keys = [line for line, found in entries if found and found["kind"] == "FK CONSTRAINT"]
    left_out = tuple(
        key for key in foreign_keys(dump, keys) if key.table in wanted and key.other not in wanted
    )
    without = {(key.table, key.name) for key in left_out}
    kept = [line for line, found in entries if found is None or _kept(found, wanted, without)]
    return Selection("\n".join(kept) + "\n", left_out)


def _kept(found: re.Match[str], wanted: set[str], without: set[tuple[str, str]]) -> bool:
    if found["kind"] == "FK CONSTRAINT":
        table, _, name = found["tag"].partition(" ")
        return (f"{found['schema']}.{table}", name) not in without
    return f"{found['schema']}.{found['tag']}" in wanted


def listed(dump: Path) -> str:
    """The table of contents. Raises BackupError where the file is none of pg_dump's."""
    return _pg_restore(dump, "--list")


def foreign_keys(dump: Path, entries: list[str]) -> list[ForeignKey]:
    """The foreign keys of these entries; what they refer to stands only in their SQL."""
    if not entries:
        return []
    with tempfile.NamedTemporaryFile("w", dir=dump.parent, suffix=".part") as contents:
        contents.write("\n".join(entries) + "\n")
        contents.flush()
        text = _pg_restore(dump, f"--use-list={contents.name}", "--file=-")
    found = FOREIGN_KEY.finditer(text)
    return [ForeignKey(one["table"], one["name"], one["other"]) for one in found]


def _pg_restore(dump: Path, *options: str) -> str:
    done = subprocess.run(["pg_restore", *options, str(dump)], capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["it says nothing"]
        raise damage(
            Finding.DUMP_UNREADABLE, dump.name, f"is no dump that pg_restore reads: {said[0]}", REMEDY
        )
    return done.stdout
