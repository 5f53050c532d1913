"""What the cluster's programs leave on the host besides their own folders, noted before and put back after.

The kubelet sets kernel parameters, and several programs have folders that no option moves. One note serves
all clusters of the machine: the first one up writes it, the last one down acts on it.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

from infra.sandbox import mounts, processes
from infra.sandbox.commands import run
from infra.sandbox.config import RUN_ROOT, SandboxConfig

NOTE = RUN_ROOT / "host.json"
NAMESPACES = Path("/run/netns")
SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)
# Folders that the kubelet, containerd's shims, the CNI plugins and Cilium make at fixed places.
FOLDERS = (
    Path("/var/lib/kubelet"),
    Path("/var/log/containers"),
    Path("/var/lib/cni"),
    Path("/run/containerd"),
    Path("/run/cni"),
    Path("/run/cilium"),
    NAMESPACES,
)


def note() -> None:
    """Write down how the host is, unless a cluster of this boot has done so already.

    Folders outlive a boot, so what was absent before the first cluster is taken over from its note.
    """
    earlier = _read()
    if _noted() is not None:
        return
    found = {
        "boot": processes.boot_id(),
        "sysctls": {name: value for name in SYSCTLS if (value := _sysctl(name)) is not None},
        "absent": (earlier or {}).get("absent") or [str(path) for path in FOLDERS if not path.exists()],
        "namespaces_mounted": _namespaces_mounted(),
    }
    RUN_ROOT.mkdir(parents=True, exist_ok=True)
    draft = NOTE.with_suffix(".draft")
    draft.write_text(json.dumps(found))
    draft.replace(NOTE)


def claim(config: SandboxConfig) -> None:
    """Say that the namespace and link of this name are ours, before they are made."""
    config.run.mkdir(parents=True, exist_ok=True)
    config.run.chmod(0o700)
    owner = {"boot": processes.boot_id(), "state": str(config.state)}
    (config.run / "owner.json").write_text(json.dumps(owner))


def owner(config: SandboxConfig) -> Path | None:
    """The state folder of the cluster that holds this name since the last boot, or None."""
    try:
        found = json.loads((config.run / "owner.json").read_text())
    except (FileNotFoundError, ValueError):
        return None
    return Path(found["state"]) if found.get("boot") == processes.boot_id() else None


def restore() -> None:
    """Put the host back as noted, when no cluster is left."""
    noted = _noted()
    if noted is None or any(path.is_dir() for path in RUN_ROOT.iterdir()):
        return
    for name, value in noted["sysctls"].items():
        if _sysctl(name) != value:
            Path("/proc/sys", name).write_text(value)
    if not noted["namespaces_mounted"] and _namespaces_mounted() and not any(NAMESPACES.iterdir()):
        run("umount", str(NAMESPACES))
    for folder in map(Path, noted["absent"]):
        if folder.exists() and not _in_use(folder):
            shutil.rmtree(folder)
    NOTE.unlink()
    with contextlib.suppress(
        OSError
    ):  # a lock of another cluster's command lies there: it removes the folder
        RUN_ROOT.rmdir()


def _in_use(folder: Path) -> bool:
    """Whether someone else has begun to use a folder that we made: a mount, a link or a socket in it."""
    if mounts.below([folder]):
        return True
    if folder == NAMESPACES:
        return any(folder.iterdir())
    return any(path.is_socket() and _listening(path) for path in folder.rglob("*"))


def _listening(socket: Path) -> bool:
    return any(line.split()[-1] == str(socket) for line in Path("/proc/net/unix").read_text().splitlines())


def _noted() -> dict[str, Any] | None:
    """The note of this boot: kernel parameters and mounts do not outlive one."""
    found = _read()
    return found if found and found.get("boot") == processes.boot_id() else None


def _read() -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(NOTE.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return found


def _namespaces_mounted() -> bool:
    return any(mount.point == NAMESPACES for mount in mounts.mounts())


def _sysctl(name: str) -> str | None:
    path = Path("/proc/sys", name)
    return path.read_text().strip() if path.exists() else None
