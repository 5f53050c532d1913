"""The cluster's folder below every cgroup hierarchy (version 1, hybrid or 2): making, listing, emptying."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

from infra.sandbox.mounts import Mount, mounts

NEEDED_V1 = frozenset({"cpu", "cpuacct", "cpuset", "memory", "pids", "devices", "freezer"})
NEEDED_V2 = frozenset({"cpu", "cpuset", "memory", "pids"})
JOINED_V1 = frozenset({"memory", "pids", "name=systemd"})  # enough to account for a part and to find it again

GONE = (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP)  # removed meanwhile, or a threaded cgroup


def hierarchies(table: list[Mount] | None = None) -> dict[Path, frozenset[str]]:
    """Mount point → its controllers (``name=systemd`` included; empty set: a version 2 tree)."""
    found: dict[Path, frozenset[str]] = {}
    for mount in table if table is not None else mounts():
        if mount.kind == "cgroup2":
            found[mount.point] = frozenset()
        elif mount.kind == "cgroup":
            options = set(mount.options.split(","))
            found[mount.point] = frozenset(
                option
                for option in options
                if option in NEEDED_V1 | {"blkio", "hugetlb"} or "name=" in option
            )
    return found


def lacking(table: list[Mount] | None = None, root: Path = Path("/")) -> frozenset[str]:
    """Controllers that a kubelet needs and this machine does not offer; empty when all is well."""
    found = hierarchies(table)
    version1 = frozenset().union(*found.values())
    if version1 & NEEDED_V1:
        return NEEDED_V1 - version1
    offered = [root / str(point).lstrip("/") / "cgroup.controllers" for point in found]
    version2 = [frozenset(path.read_text().split()) for path in offered if path.exists()]
    return min((NEEDED_V2 - names for names in version2), key=len, default=NEEDED_V2)


def make(name: str) -> None:
    """The cluster's folder in every hierarchy; the kubelet asks that its root exists."""
    for point, controllers in hierarchies().items():
        folder = point / name
        folder.mkdir(exist_ok=True)
        if "cpuset" in controllers:  # a version 1 cpuset without CPUs takes no process
            for key in ("cpuset.cpus", "cpuset.mems"):
                if not (folder / key).read_text().strip():
                    (folder / key).write_text((point / key).read_text())


def seats(name: str, part: str) -> list[Path]:
    """The ``cgroup.procs`` files that a part's first process writes itself into (folders are made)."""
    found = hierarchies()
    version1 = any(found.values())
    chosen = [point for point, names in found.items() if names & JOINED_V1 or not (names or version1)]
    seated = [point / name / "parts" / part for point in chosen]
    for folder in seated:
        folder.mkdir(parents=True, exist_ok=True)
    return [folder / "cgroup.procs" for folder in seated]


def members(name: str, below: str = "") -> set[int]:
    """Every process in the cluster's cgroups, or in one branch of them (``kubepods``, ``parts/etcd``)."""
    found: set[int] = set()
    for point in hierarchies():
        top = point / name / below
        for folder in folders(top):
            found.update(_processes(folder))
    return found


def remove(name: str, below: str = "") -> list[Path]:
    """Delete the empty folders, deepest first. Returns those in which a process is left."""
    return [
        folder
        for point in hierarchies()
        for folder in sorted(folders(point / name / below), key=lambda path: -len(path.parts))
        if not _removed(folder)
    ]


def memory_bytes(name: str, below: str = "") -> int:
    """Memory charged to the branch, page cache that can be dropped left out; 0 where nothing runs."""
    for point, controllers in hierarchies().items():
        folder = point / name / below
        for usage, inactive in (
            ("memory.usage_in_bytes", "total_inactive_file"),
            ("memory.current", "inactive_file"),
        ):
            if (folder / usage).exists() and ("memory" in controllers or not controllers):
                stat = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                return int((folder / usage).read_text()) - int(stat.get(inactive, 0))
    return 0


def folders(top: Path) -> Iterator[Path]:
    """The folder and every cgroup below it; nothing when it is not there."""
    try:
        children = [child for child in top.iterdir() if child.is_dir()]
    except OSError as error:
        if error.errno in GONE:
            return
        raise
    yield top
    for child in children:
        yield from folders(child)


def _processes(folder: Path) -> list[int]:
    try:
        return [int(line) for line in (folder / "cgroup.procs").read_text().split()]
    except OSError as error:
        if error.errno in GONE:
            return []
        raise


def _removed(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError as error:
        return error.errno == errno.ENOENT
    return True
