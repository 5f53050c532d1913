"""A disk of its own for one claim, small enough to be filled: the others are folders of a big one."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra import stack as stacks
from infra.sandbox.config import SandboxConfig
from infra.sandbox.provisioner import STORAGE_CLASS

STACK, CLAIM = "watched-dev", "data-postgres-0"
NAME = f"{STACK}-{CLAIM}"
SIZE = "1Gi"
LEFT_BYTES = 60 * 2**20  # of a full disk: a tenth of it would be 107 MB


@contextmanager
def small_disk() -> Iterator[Path]:
    """A volume that waits for the claim; its folder on this machine is a file system in memory."""
    config = SandboxConfig()
    path = config.volumes / NAME
    path.mkdir(mode=0o755)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g", "tmpfs", path], check=True)
    try:
        _kubectl("apply", "-f", "-", stdin=json.dumps(_volume(path, config.node_name)))
        yield path
    finally:
        _kubectl("delete", "persistentvolume", NAME, "--ignore-not-found")
        subprocess.run(["umount", path], check=True)
        path.rmdir()


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """All of it but a few megabytes is taken, as by a log that nobody removes."""
    file, status = disk / "somebody-elses.log", os.statvfs(disk)
    with file.open("wb") as stream:
        os.posix_fallocate(stream.fileno(), 0, status.f_bavail * status.f_frsize - LEFT_BYTES)
    try:
        yield
    finally:
        file.unlink()


def _volume(path: Path, node: str) -> dict[str, Any]:
    affinity = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            "capacity": {"storage": SIZE},
            "accessModes": ["ReadWriteOnce"],
            "persistentVolumeReclaimPolicy": "Retain",
            "storageClassName": STORAGE_CLASS,
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [affinity]}]}},
            "claimRef": {"namespace": STACK, "name": CLAIM},
        },
    }


def _kubectl(*arguments: str, stdin: str | None = None) -> None:
    environment = stacks.environment("sandbox")
    subprocess.run(
        ["kubectl", *arguments], env=environment, input=stdin, check=True, text=True, capture_output=True
    )
