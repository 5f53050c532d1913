"""What preflight.py judges: facts of this machine, read in one go and changed by nobody."""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.sandbox import cgroups, footprint, network, parts, processes
from infra.sandbox.commands import CommandError
from infra.sandbox.commands import run as command
from infra.sandbox.config import PodNetwork, SandboxConfig

SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PROGRAMS = {  # program → the Debian package that brings it
    "containerd": "containerd",
    "containerd-shim-runc-v2": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "nft": "nftables",
    "ip": "iproute2",
    "ss": "iproute2",
    "nsenter": "util-linux",
    "umount": "mount",
}
OF_CILIUM = {"clang-19": "clang-19", "bpftool": "bpftool", "iptables": "iptables"}
PLUGINS = ("bridge", "host-local", "loopback")
PLUGIN_PACKAGE = "containernetworking-plugins"
PLUGIN_FOLDER = Path("/usr/lib/cni")
_OWNER = re.compile(r'\("(?P<name>[^"]*)",pid=(?P<pid>\d+)')


@dataclass(frozen=True)
class Listener:
    """A process that listens on a port inside the cluster's namespace."""

    port: int
    pid: int
    command: str


@dataclass(frozen=True)
class Facts:
    """The machine as it is now, all well by default. Sizes in bytes."""

    system: str = "Linux"
    uid: int = 0
    lacking_controllers: frozenset[str] = frozenset()
    disk_folder: Path = Path("/")
    disk_free: int = 1 << 40
    memory_total: int = 1 << 40
    memory_available: int = 1 << 40
    missing_programs: tuple[str, ...] = ()
    routes: tuple[tuple[str, str], ...] = ()  # (destination in CIDR form, the line of `ip route`)
    namespace_exists: bool = False
    link_exists: bool = False
    owner: Path | None = None  # state folder of the cluster that made namespace and link
    parts_running: bool = False
    listeners: tuple[Listener, ...] = ()
    state_path: Path = Path("/")


def gather(config: SandboxConfig) -> Facts:
    """Ask this machine. Needs no root; what cannot be asked without it is left out."""
    if platform.system() != "Linux":
        return Facts(system=platform.system(), uid=os.geteuid())
    missing = missing_programs(config)
    usable = "ip" not in missing
    folder = _existing(config.state)
    total, available = _memory()
    stands = network.stands(config)
    pids = _part_pids(config)
    return Facts(
        uid=os.geteuid(),
        lacking_controllers=cgroups.lacking(),
        disk_folder=folder,
        disk_free=shutil.disk_usage(folder).free,
        memory_total=total,
        memory_available=available,
        missing_programs=missing,
        routes=_foreign_routes(config) if usable else (),
        namespace_exists=stands,
        link_exists=usable and config.host_link in network.host_links(),
        owner=footprint.owner(config),
        parts_running=bool(pids),
        listeners=_listeners(config, pids) if stands and os.geteuid() == 0 and "ss" not in missing else (),
        state_path=config.state,
    )


def missing_programs(config: SandboxConfig) -> tuple[str, ...]:
    """Programs and CNI plugins (``cni/<name>``) that are not installed."""
    wanted = (*PROGRAMS, *(OF_CILIUM if config.pods is PodNetwork.CILIUM else ()))
    programs = [name for name in wanted if shutil.which(name, path=SEARCHED) is None]
    return (*programs, *(f"cni/{name}" for name in PLUGINS if not (PLUGIN_FOLDER / name).exists()))


def packages(missing: tuple[str, ...]) -> list[str]:
    """The Debian packages that bring them, sorted."""
    known = PROGRAMS | OF_CILIUM
    return sorted({PLUGIN_PACKAGE if name.startswith("cni/") else known[name] for name in missing})


def _foreign_routes(config: SandboxConfig) -> tuple[tuple[str, str], ...]:
    """Every IPv4 route of the host (addresses give local routes) that is not over the cluster's own link."""
    shown = json.loads(command("ip", "-json", "-4", "route", "show", "table", "all") or "[]")
    return tuple(
        (_cidr(route["dst"]), _line(route))
        for route in shown
        if route.get("dev") != config.host_link and route["dst"] != "default"
    )


def _line(route: dict[str, object]) -> str:
    kind = f"{route['type']} " if "type" in route else ""
    way = "".join(
        f" {word} {route[key]}" for word, key in (("via", "gateway"), ("dev", "dev")) if key in route
    )
    return f"{kind}{route['dst']}{way}"


def _cidr(destination: str) -> str:
    return destination if "/" in destination else f"{destination}/32"


def _listeners(config: SandboxConfig, ours: set[int]) -> tuple[Listener, ...]:
    """TCP listeners of the namespace that belong to no part of the cluster."""
    try:
        lines = network.inside(
            config, "ss", "--no-header", "--listening", "--numeric", "--tcp", "--processes"
        )
    except CommandError:
        return ()
    found = []
    for line in lines.splitlines():
        port = int(line.split()[3].rpartition(":")[2])
        owners = {int(match["pid"]) for match in _OWNER.finditer(line)}
        found += [Listener(port, pid, processes.command_line(pid)) for pid in sorted(owners - ours)]
    return tuple(found)


def _part_pids(config: SandboxConfig) -> set[int]:
    """Processes of the cluster: recorded ones, and whatever else sits in its cgroups."""
    records = (parts.running(config, path.stem) for path in config.records.glob("*.json"))
    return {record.pid for record in records if record} | cgroups.members(config.cgroup)


def _memory() -> tuple[int, int]:
    lines = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(lines[key].split()[0]) * 1024 for key in ("MemTotal", "MemAvailable"))
    return total, available


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
