"""What a machine runs, mounts and routes, as sets to compare before and after what must leave no trace."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, fields
from pathlib import Path

from infra.sandbox import cgroups, cilium, cluster, footprint, metrics, mounts

Lines = frozenset[str]
PROGRAMS = {
    "containerd",
    "containerd-shim-runc-v2",
    "runc",
    "pause",
    "coredns",
    *cluster.PARTS,
    *cilium.PARTS,
    *metrics.PARTS,
}


@dataclass(frozen=True)
class Listing:
    """Each field a set of lines; ``processes`` holds those that a cluster may have started."""

    processes: Lines
    mounts: Lines
    links: Lines
    namespaces: Lines
    routes: Lines
    rules: Lines
    firewall: Lines
    cgroups: Lines
    sysctls: Lines
    folders: Lines

    def changes(self, after: Listing) -> dict[str, dict[str, list[str]]]:
        """What came and what went, by field; empty when nothing did."""
        found = {}
        for field in fields(self):
            old, new = getattr(self, field.name), getattr(after, field.name)
            if old != new:
                found[field.name] = {"came": sorted(new - old), "went": sorted(old - new)}
        return found


def snapshot(ignoring: tuple[str, ...] = ()) -> Listing:
    """The machine now. ``ignoring``: names of other clusters, whose pods may come and go meanwhile."""

    def kept(lines: list[str]) -> Lines:
        return frozenset(
            line for line in lines if not any(f"/slipway.{name}/" in f"{line}/" for name in ignoring)
        )

    return Listing(
        processes=kept(_processes()),
        mounts=frozenset(str(mount) for mount in mounts.mounts() if not _of_another(mount.point, ignoring)),
        links=_said("ip", "-oneline", "link", "show"),
        namespaces=_said("ip", "netns", "list"),
        routes=_said("ip", "-4", "route", "show", "table", "all"),
        rules=_said("ip", "rule", "show"),
        firewall=_said("nft", "list", "ruleset"),
        cgroups=kept(_cgroups()),
        sysctls=frozenset(
            f"{name} {Path('/proc/sys', name).read_text().strip()}" for name in footprint.SYSCTLS
        ),
        folders=frozenset(str(path) for path in footprint.FOLDERS if path.exists()),
    )


def _said(*command: str) -> Lines:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return frozenset(line.strip() for line in done.stdout.splitlines() if line.strip())


def _of_another(point: Path, names: tuple[str, ...]) -> bool:
    return any(f"/{name}/" in f"{point}/" for name in names)


def _cgroups() -> list[str]:
    """The first level of each hierarchy and all of the clusters'; elsewhere sessions come and go."""
    first = [path for top in cgroups.hierarchies() for path in top.iterdir() if path.is_dir()]
    clusters = [path for path in first if path.name.startswith("slipway.")]
    return sorted({str(path) for path in (*first, *(p for top in clusters for p in cgroups.folders(top)))})


def _processes() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            line = _left_alone(entry)
        except (FileNotFoundError, ProcessLookupError):
            continue
        if line:
            found.append(line)
    return found


def _left_alone(entry: Path) -> str | None:
    """``<cgroups>: <command line>`` of a process that could be a cluster's, wherever it has gone to."""
    command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    if not command:
        return None  # a kernel thread
    groups = {line.rpartition(":")[2] for line in (entry / "cgroup").read_text().splitlines()}
    ours = sorted(group for group in groups if group.startswith("/slipway."))
    elsewhere = _namespace(entry) not in (None, _namespace(Path("/proc/self")))
    program = Path(command.split()[0]).name
    return f"{ours}: {command}" if ours or elsewhere or program in PROGRAMS else None


def _namespace(entry: Path) -> Path | None:
    try:
        return (entry / "ns" / "net").readlink()
    except PermissionError:  # a process that not even root may look into is none of ours
        return None
