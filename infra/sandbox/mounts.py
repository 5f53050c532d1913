"""The machine's mount table, and unmounting everything below a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.commands import run

TABLE = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: where, the file system's kind, and the super block's options."""

    point: Path
    kind: str
    options: str


def mounts(text: str | None = None) -> list[Mount]:
    """Every mount of this process's namespace, in the order they were made (proc_pid_mountinfo(5))."""
    found = []
    for line in (text if text is not None else TABLE.read_text()).splitlines():
        left, _, right = line.partition(" - ")
        kind, _source, options = right.split(" ", 2)
        found.append(Mount(Path(_plain(left.split(" ")[4])), kind, options))
    return found


def below(folders: Iterable[Path]) -> list[Path]:
    """Mount points at or below the folders, deepest and latest first: the order to unmount them in."""
    tops = tuple(folders)
    points = [mount.point for mount in mounts() if any(mount.point.is_relative_to(top) for top in tops)]
    return sorted(reversed(points), key=lambda point: -len(point.parts))


def unmount_below(*folders: Path) -> None:
    """Detach every mount at or below the folders. Raises CommandError for one that stays."""
    for point in below(folders):
        run("umount", "--lazy", "--no-canonicalize", str(point))


def _plain(escaped: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), escaped)
