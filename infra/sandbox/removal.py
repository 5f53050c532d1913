"""Takes a cluster off the machine: its processes, mounts, namespace, cgroups and folders; nothing else's."""

from __future__ import annotations

import contextlib
import json
import shutil
from pathlib import Path

from infra.errors import Problem, UserError
from infra.sandbox import cgroups, mounts, network, processes
from infra.sandbox.commands import CommandError
from infra.sandbox.config import SandboxConfig
from infra.sandbox.processes import Identity

CNI_RESULTS = Path("/var/lib/cni/results")
SHIM_BUNDLES = "containerd/io.containerd.runtime.v2.task/k8s.io"
FIRST = (
    "kubelet", "cilium-agent", "cilium-operator", "metrics-server", "provisioner", "kube-controller-manager",
    "kube-scheduler", "kube-proxy",
)  # fmt: skip
THEN = ("containerd", "kube-apiserver")  # the API server would wait for its clients: nothing to lose
LAST = ("etcd",)
DISPOSABLE = ("run", "kubelet", "addresses")  # below the state folder, also with --keep-data


def remove(config: SandboxConfig, *, keep_data: bool) -> None:
    """Everything, or all but objects, volumes, images, keys and logs. Raises UserError for what stays."""
    sockets = _shim_sockets(config)
    _end_processes(config)
    problems = [*_unmount(config), *_remove_cgroups(config)]
    if problems:
        raise UserError(problems)
    network.remove(config)
    _remove_cni_results(config)
    for socket in sockets:
        socket.unlink(missing_ok=True)
    _remove_folder(config.run)
    for name in DISPOSABLE:
        _remove_folder(config.state / name)
    if not keep_data:
        _remove_folder(config.state)
        for folder in (config.state.parent, config.state.parent.parent):
            with contextlib.suppress(OSError):  # not empty: another cluster's, or Pulumi's
                folder.rmdir()


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)


def _end_processes(config: SandboxConfig) -> None:
    processes.end(_identities(config, FIRST), patience=3.0)
    processes.kill_members(config.cgroup, "kubepods")
    processes.end(_identities(config, THEN), patience=1.0)
    processes.end(_identities(config, LAST), patience=5.0)
    processes.kill_members(config.cgroup)  # shims, and parts that no record names


def _identities(config: SandboxConfig, names: tuple[str, ...]) -> list[Identity]:
    records = (processes.load(config.records / f"{name}.json") for name in names)
    return [record.identity for record in records if record]


def _unmount(config: SandboxConfig) -> list[Problem]:
    try:
        mounts.unmount_below(config.state, config.run)
    except CommandError as error:
        return [
            Problem(
                "mounts", str(error), "end what uses it (fuser -vm PATH), then run the same command again"
            )
        ]
    return []


def _remove_cgroups(config: SandboxConfig) -> list[Problem]:
    return [
        Problem(str(folder), "the cgroup is not empty", "end its processes, then run the same command again")
        for folder in cgroups.remove(config.cgroup)
    ]


def _shim_sockets(config: SandboxConfig) -> list[Path]:
    """Sockets of the containers' shims: at a fixed place, noted by containerd in each bundle."""
    notes = (config.run / SHIM_BUNDLES).glob("*/address")
    return [Path(note.read_text().removeprefix("unix://")) for note in notes]


def _remove_cni_results(config: SandboxConfig) -> None:
    """Cached results of the pod network's set-up, which the CNI library keeps at a fixed place."""
    if not CNI_RESULTS.exists():
        return
    for path in CNI_RESULTS.iterdir():
        with contextlib.suppress(ValueError):
            if json.loads(path.read_text()).get("networkName") == config.name:
                path.unlink()
