"""Everything that would stop the cluster on this machine, found at once and before anything is changed."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from infra.errors import Problem
from infra.sandbox import controlplane, facts, metrics, node
from infra.sandbox.config import SandboxConfig
from infra.sandbox.facts import Facts

GIB = 1 << 30
DISK_NEEDED = 4 * GIB  # measured: 1.3 GiB with the service on it; the rest for its data and next images
MEMORY_NEEDED = 3 * GIB  # the whole cluster takes at most 2.5 GiB
STATE_PATH_LENGTH = 70  # the kubelet's sockets below it must fit into 107 characters
PORTS = {
    controlplane.ETCD_CLIENTS: "etcd",
    controlplane.ETCD_PEERS: "etcd",
    controlplane.ETCD_HEALTH: "etcd",
    controlplane.API: "kube-apiserver",
    controlplane.CONTROLLERS: "kube-controller-manager",
    controlplane.SCHEDULER: "kube-scheduler",
    node.KUBELET: "kubelet",
    node.KUBELET_HEALTH: "kubelet",
    node.PROXY_HEALTH: "kube-proxy",
    node.PROVISIONER: "provisioner",
    metrics.PORT: "metrics-server",
}


def problems(config: SandboxConfig, found: Facts | None = None) -> list[Problem]:
    """Every problem of the machine; empty when the cluster can be brought up. Changes nothing."""
    known = found or facts.gather(config)
    if known.system != "Linux":
        what = f"{known.system} has no network namespaces and no cgroups"
        return [Problem("system", what, "use a Linux machine, or name another cluster in the stack file")]
    checks = (_root, _cgroups, _disk, _memory, _programs, _state_path, _owner, _names, _routes, _ports)
    return [problem for check in checks for problem in check(config, known)]


def _root(_config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.uid:
        yield Problem(
            "root",
            f"uid {known.uid} cannot make network namespaces, mounts and cgroups",
            "run the same command with sudo",
        )


def _cgroups(_config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.lacking_controllers:
        names = ", ".join(sorted(known.lacking_controllers))
        yield Problem(
            "cgroups",
            f"this machine offers no cgroup controller {names}",
            "boot the kernel with them (cgroup_enable=memory); a container needs --privileged",
        )


def _disk(_config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.disk_free < DISK_NEEDED and not known.parts_running:
        yield Problem(
            f"disk {known.disk_folder}",
            f"{known.disk_free / GIB:.1f} GiB are free, {DISK_NEEDED / GIB:.0f} GiB are needed",
            f"free {(DISK_NEEDED - known.disk_free) / GIB:.1f} GiB, or set XDG_STATE_HOME to another disk",
        )


def _memory(_config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.memory_available < MEMORY_NEEDED and not known.parts_running:
        yield Problem(
            "memory",
            f"{known.memory_available / GIB:.1f} GiB of {known.memory_total / GIB:.1f} GiB are available, "
            f"{MEMORY_NEEDED / GIB:.0f} GiB are needed",
            "end other programs or use a larger machine",
        )


def _programs(_config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.missing_programs:
        yield Problem(
            "packages",
            f"not installed: {', '.join(known.missing_programs)}",
            f"apt-get install {' '.join(facts.packages(known.missing_programs))}",
        )


def _state_path(_config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if len(str(known.state_path)) > STATE_PATH_LENGTH:
        yield Problem(
            str(known.state_path),
            f"is longer than {STATE_PATH_LENGTH} characters: the paths of the sockets below it would be cut",
            "set XDG_STATE_HOME to a shorter folder",
        )


def _owner(config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.owner and known.owner != known.state_path:
        yield Problem(
            f"sandbox {config.name}",
            f"a cluster of that name stands already; its state folder is {known.owner}",
            "choose another --name and --network, or remove it with the XDG_STATE_HOME it was made with",
        )


def _names(config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    if known.owner:
        return
    if known.namespace_exists:
        yield Problem(
            f"network namespace {config.namespace}",
            "exists and was not made by slipway",
            f"choose another --name, or remove it: ip netns delete {config.namespace}",
        )
    if known.link_exists:
        yield Problem(
            f"link {config.host_link}",
            "exists and was not made by this cluster",
            f"choose another --network, or remove it: ip link delete {config.host_link}",
        )


def _routes(config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    for wanted in map(ipaddress.ip_network, config.ranges):
        for destination, line in known.routes:
            if wanted.overlaps(ipaddress.ip_network(destination, strict=False)):
                yield Problem(
                    f"route {wanted}", f"the range is taken: {line}", "choose another --network (0 to 9)"
                )


def _ports(config: SandboxConfig, known: Facts) -> Iterator[Problem]:
    for listener in known.listeners:
        if part := PORTS.get(listener.port):
            yield Problem(
                f"port {listener.port}",
                f"{part} needs it in namespace {config.namespace}, where process {listener.pid} holds it: "
                f"{listener.command}",
                f"end that process: kill {listener.pid}",
            )
