"""Which revisions run before a release and which after it: ``phase = "contract"`` in a revision's file.

Read from the files' text: the service asks at its start and does without Alembic. ``app.migrate`` obeys it.
"""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

VERSIONS = Path(__file__).resolve().parent / "versions"
SAID = re.compile(r'^phase = "(\w*)"', re.MULTILINE)


class Phase(StrEnum):
    """Does the version before still run on the result? Expand: yes, so it comes before the release. Contract:
    no, so it waits until nothing of that version runs any more."""

    EXPAND = "expand"
    CONTRACT = "contract"


class Revision(NamedTuple):
    """One file of the folder."""

    id: str
    phase: Phase


def read(folder: Path = VERSIONS) -> tuple[Revision, ...]:
    """Every revision, in the order of the files' names, which is that of the migrations. Without a word a
    revision expands. Raises ValueError naming a file with another phase."""
    return tuple(_revision(path) for path in sorted(folder.glob("[0-9]*.py")))


def _revision(path: Path) -> Revision:
    said = SAID.search(path.read_text(encoding="utf-8"))
    name = said[1] if said else Phase.EXPAND
    if name not in set(Phase):
        raise ValueError(f"{path.name}: phase {name!r} is none of: {', '.join(Phase)}")
    return Revision(path.name.split("_")[0], Phase(name))


def needed(line: tuple[Revision, ...]) -> str:
    """The newest revision behind which only contract revisions stand: what this version runs on."""
    return next(revision.id for revision in reversed(line) if revision.phase is Phase.EXPAND)


def pending(line: tuple[Revision, ...], current: str | None, target: str) -> tuple[Revision, ...]:
    """The revisions between the database's, which is one of the line or None, and the target, this one with
    them; none where the database is there already or beyond."""
    ids = [revision.id for revision in line]
    first = 0 if current is None else ids.index(current) + 1
    return line[first : ids.index(target) + 1]
