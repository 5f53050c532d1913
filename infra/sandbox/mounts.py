"""The machine's mount table, and unmounting everything below a folder."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox.commands import run

TABLE = Path("/proc/self/mountinfo")
MEASURED = re.compile(r"(ext|nfs)|(btrfs|overlay|xfs|zfs)$")
_ESCAPE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Mount:
    """One line of mountinfo: where, the file system's kind, the super block's options, and the device as
    ``major:minor``."""

    point: Path
    kind: str
    options: str
    device: str


def mounts(text: str | None = None) -> list[Mount]:
    """Every mount of this process's namespace, in the order they were made (proc_pid_mountinfo(5))."""
    found = []
    for line in (text if text is not None else TABLE.read_text()).splitlines():
        left, _, right = line.partition(" - ")
        kind, _source, options = right.split(" ", 2)
        fields = left.split(" ")
        found.append(Mount(Path(_plain(fields[4])), kind, options, fields[2]))
    return found


def below(folders: Iterable[Path]) -> list[Path]:
    """Mount points at or below the folders, deepest and latest first: the order to unmount them in."""
    tops = tuple(folders)
    points = [mount.point for mount in mounts() if any(mount.point.is_relative_to(top) for top in tops)]
    return sorted(reversed(points), key=lambda point: -len(point.parts))


def measurable(folder: Path, text: str | None = None) -> bool:
    """Whether the kubelet can say how full the folder's file system is: cAdvisor looks for its device among
    mounts of a few kinds (google/cadvisor, fs/fs.go, processMounts)."""
    status = next(path for path in (folder, *folder.parents) if path.exists()).stat()
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    return any(mount.device == device and MEASURED.match(mount.kind) for mount in mounts(text))


def unmount_below(*folders: Path) -> None:
    """Detach every mount at or below the folders. Raises CommandError for one that stays."""
    for point in below(folders):
        run("umount", "--lazy", "--no-canonicalize", str(point))


def _plain(escaped: str) -> str:
    return _ESCAPE.sub(lambda match: chr(int(match.group(1), 8)), escaped)
