"""Timelines: each restore to a moment begins a new one, and only a database's own ancestors lead to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.backups.pitr import children
from infra.backups.pitr.place import Place
from infra.backups.pitr.repository import lsn
from infra.errors import UserError

_CONTROL = re.compile(r"^Latest checkpoint's TimeLineID:\s+(\d+)$", re.MULTILINE)


@dataclass(frozen=True)
class Branch:
    """A timeline, and where the next one left it; None for the one the database is on."""

    timeline: int
    left_at: int | None


def holds(branches: Sequence[Branch], timeline: int, stop_lsn: int) -> bool:
    """Whether a backup with this end leads to the database. Without branches any does."""
    return not branches or any(
        branch.timeline == timeline and (branch.left_at is None or stop_lsn <= branch.left_at)
        for branch in branches
    )


def branches(place: Place) -> tuple[Branch, ...]:
    """The live data folder's timelines, its own last; none where there is no such folder."""
    if not (place.live / "global" / "pg_control").exists():
        return ()
    done = children.run([str(place.bin / "pg_controldata"), str(place.live)], env={"LC_ALL": "C"})
    found = _CONTROL.search(done.stdout)
    if done.returncode or not found:
        raise UserError.of(str(place.live), "is no readable data folder", "see the log of postgres-0")
    own = int(found[1])
    return (*parents(place.live / "pg_wal" / f"{own:08X}.history"), Branch(own, None))


def parents(file: Path) -> tuple[Branch, ...]:
    """What a timeline's history file tells: timeline, tab, LSN, tab, reason (PostgreSQL 15, 26.3.6)."""
    if not file.exists():
        return ()
    rows = [line.split() for line in file.read_text().splitlines()]
    return tuple(Branch(int(row[0]), lsn(row[1])) for row in rows if len(row) > 1 and row[0].isdigit())
