"""The sandbox cluster as a whole: up, down, status. Its parts stand in controlplane.py and node.py."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from infra import images as catalogue
from infra.errors import UserError
from infra.progress import Progress
from infra.sandbox import (
    cgroups,
    cilium,
    controlplane,
    footprint,
    identities,
    images,
    lock,
    metrics,
    network,
    node,
    parts,
    preflight,
    processes,
    readiness,
    removal,
    tools,
)
from infra.sandbox.children import workers
from infra.sandbox.config import SandboxConfig, joined_by, remember
from infra.sandbox.kubeapi import ApiError
from infra.sandbox.parts import Part

TOOLS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kubelet",
)
NODE_IMAGES = (catalogue.Image.PAUSE, catalogue.Image.COREDNS)
PARTS = {  # in the order of their start
    "etcd": controlplane.etcd,
    "containerd": node.containerd,
    "kube-apiserver": controlplane.api_server,
    "kube-controller-manager": controlplane.controller_manager,
    "kube-scheduler": controlplane.scheduler,
    "kube-proxy": node.kube_proxy,
    "provisioner": node.provisioner,
    "kubelet": node.kubelet,
}


def parts_of(config: SandboxConfig) -> dict[str, Callable[[SandboxConfig], Part]]:
    """Every part of this cluster, in the order of their start."""
    measured = metrics.PARTS if metrics.wanted(config) else {}
    return {**PARTS, **(cilium.PARTS if cilium.wanted(config) else {}), **measured}


@dataclass(frozen=True)
class PartStatus:
    """One part: whether it serves or what is amiss, its process (0: none), its start (epoch seconds)."""

    name: str
    healthy: bool
    detail: str
    pid: int = 0
    since: float = 0.0
    memory_bytes: int = 0


def up(config: SandboxConfig, progress: Progress) -> None:
    """Start what does not run, mend what is broken, leave the rest alone; return when pods can be served.

    Raises UserError with every problem of the machine, or with the part that does not come up and why.
    """
    with lock.held(config):
        _require(config)
        _change_network(config, progress)
        _prepare(config)
        if network.ensure(config):
            _forget_pods(config)
        images.ensure(NODE_IMAGES, config, progress)
        _Start(config, progress).all()


def down(config: SandboxConfig, progress: Progress, keep_data: bool = False) -> None:
    """End and remove the cluster; with ``keep_data`` the next `up` brings its objects and volumes back."""
    with lock.held(config):
        with progress.step("cluster", f"removing {config.name}"):
            removal.remove(config, keep_data=keep_data)
        footprint.restore()


def status(config: SandboxConfig) -> list[PartStatus]:
    """How each part is, then node and CoreDNS. Changes nothing."""
    found = [_part_status(config, name) for name in parts_of(config)]
    return [*found, *_object_status(config)]


class _Start:
    """One `up`: two chains side by side, each stopping as soon as the other has failed."""

    def __init__(self, config: SandboxConfig, progress: Progress) -> None:
        self._config, self._progress = config, progress
        self._place = network.place(config)
        self._stop = threading.Event()
        self._served = threading.Event()
        self._joined = threading.Event()  # whether pods can be given a network
        if not cilium.wanted(config):
            self._joined.set()  # the bridge needs no process

    def all(self) -> None:
        with workers(2) as crew:
            try:
                crew.start(self._control_plane)
                crew.start(self._containers)
                crew.finish()
                self._serve(*parts_of(self._config))  # one that ended after it had served starts again
            except BaseException:
                self._stop.set()
                raise

    def _control_plane(self) -> None:
        self._serve("etcd")
        self._serve("kube-apiserver")
        with readiness.client(self._config) as api:
            readiness.ensure_rights(api, cilium.rights() if cilium.wanted(self._config) else ())
        self._served.set()
        self._serve("kube-controller-manager", "kube-scheduler", "kube-proxy", "provisioner")
        for name in cilium.PARTS if cilium.wanted(self._config) else ():
            self._serve(name)
        self._joined.set()
        if metrics.wanted(self._config):
            self._measure()

    def _measure(self) -> None:
        with readiness.client(self._config) as api:
            metrics.ensure_rights(api)
            self._serve(*metrics.PARTS)
            metrics.ensure_served(self._config, api)

    def _containers(self) -> None:
        self._serve("containerd")
        self._await(self._served)
        with readiness.client(self._config) as api:
            known = api.get("Node", self._config.node_name) is not None
        if known:  # its pods want their network at once; of a new node the network learns by the kubelet
            self._await(self._joined)
        self._serve("kubelet")
        images.load(self._config, self._progress, NODE_IMAGES)
        self._await(self._joined)
        with readiness.client(self._config) as api:
            readiness.ensure(self._config, api)
            kubelet = parts.running(self._config, "kubelet")
            readiness.wait_ready(self._config, api, kubelet.since if kubelet else time.time())

    def _await(self, event: threading.Event) -> None:
        while not event.wait(0.05):
            if self._stop.is_set():
                raise parts.AbandonedError

    def _serve(self, *names: str) -> None:
        """Start those that do not run, all at once, then wait for each."""
        wanted = [parts_of(self._config)[name](self._config) for name in names]
        for part in wanted:
            if parts.ensure(self._config, part, self._place):
                self._progress.say(part.name, "starting")
        for part in wanted:
            parts.wait_healthy(self._config, part, self._stop)


def _require(config: SandboxConfig) -> None:
    """Everything that is missing on the machine or not built yet, in one UserError."""
    problems = preflight.problems(config)
    try:
        tools.require((*TOOLS, *(tools.USE_TOOLS if metrics.wanted(config) else ())))
    except UserError as error:
        problems += error.problems
    problems += cilium.problems() if cilium.wanted(config) else []
    if problems:
        raise UserError(problems)


def _prepare(config: SandboxConfig) -> None:
    for folder in (config.state, config.logs, config.volumes, config.records, config.files):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    remember(config)
    footprint.note()
    footprint.claim(config)
    cgroups.make(config.cgroup)
    identities.ensure(config)


def _change_network(config: SandboxConfig, progress: Progress) -> None:
    """Whatever joined the pods before goes with the namespace, and every part moves to a new one."""
    if config.records.exists() and joined_by(config) is not config.pods:
        progress.say("network", f"moves every pod to {config.pods}")
        network.remove(config)
        for name in {*PARTS, *cilium.PARTS} - parts_of(config).keys():
            processes.kill_members(config.cgroup, f"parts/{name}")


def _forget_pods(config: SandboxConfig) -> None:
    """Pods of a namespace that is gone have no network: end them, so that the kubelet makes them anew."""
    processes.kill_members(config.cgroup, "kubepods")
    cilium.forget(config)
    shutil.rmtree(config.state / "addresses", ignore_errors=True)


def _part_status(config: SandboxConfig, name: str) -> PartStatus:
    record = parts.running(config, name)
    if record is None:
        return PartStatus(name, False, "does not run")
    amiss = parts_of(config)[name](config).health()
    return PartStatus(name, amiss is None, amiss or "serves", record.pid, record.since, _resident(record.pid))


def _object_status(config: SandboxConfig) -> list[PartStatus]:
    names = ("node", "coredns", *((metrics.API_SERVICE,) if metrics.wanted(config) else ()))
    if parts.running(config, "kube-apiserver") is None:
        return [PartStatus(name, False, "the API server does not run") for name in names]
    try:
        with readiness.client(config) as api:
            found: dict[str, str | None] = {
                "node": readiness.node_amiss(api.get("Node", config.node_name)),
                "coredns": readiness.dns_amiss(config, api),
            }
            if metrics.wanted(config):
                found[metrics.API_SERVICE] = metrics.served_amiss(api)
    except (ApiError, httpx.TransportError) as error:
        found = dict.fromkeys(names, f"the API server does not answer: {error}")
    return [PartStatus(name, amiss is None, amiss or "ready") for name, amiss in found.items()]


def _resident(pid: int) -> int:
    """Resident memory in bytes, 0 for a process that has just ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
