"""What one sandbox cluster is called, and every name, address and folder that follows from it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from infra import paths
from infra.errors import UserError

DEFAULT_NAME = "slipway"
NETWORKS = 10
NETWORK_NOTE, PODS_NOTE, METRICS_NOTE = "network", "pods", "metrics"  # below the state folder
API_PORT = 6443
DNS_PORT = 1053  # of CoreDNS' pods, which may not take 53; their Service has that
KUBECONFIG_MARK = "slipway.dev/sandbox"  # an extension of the cluster's entry in every kubeconfig we write
RUN_ROOT = Path("/run/slipway")  # short: a socket path holds 107 characters at most
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,22}[a-z0-9])?")


class PodNetwork(StrEnum):
    """What joins the pods: a bridge, where each reaches every other, or Cilium, which enforces policies?"""

    BRIDGE = "bridge"
    CILIUM = "cilium"


@dataclass(frozen=True)
class SandboxConfig:
    """One cluster. ``network`` (0 to 9) chooses the address ranges, so that clusters can stand side by side.
    ``pods``: what joins its pods. ``metrics``: whether it says what they use (metrics-server).

    Raises UserError for a name or a number that cannot be used.
    """

    name: str = DEFAULT_NAME
    network: int = 0
    pods: PodNetwork = PodNetwork.BRIDGE
    metrics: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UserError.of(
                "--name",
                f"{self.name!r} is not a cluster name",
                "use up to 24 letters a-z, digits and hyphens",
            )
        if not 0 <= self.network < NETWORKS:
            raise UserError.of(
                "--network", f"{self.network} is not a network number", f"use 0 to {NETWORKS - 1}"
            )

    @property
    def namespace(self) -> str:
        """Name of the network namespace, as ``ip netns`` lists it."""
        return self.name

    @property
    def namespace_file(self) -> Path:
        return Path("/run/netns") / self.namespace

    @property
    def host_link(self) -> str:
        """The host's end of the veth pair (15 characters at most)."""
        return f"slipway{self.network}"

    @property
    def link_cidr(self) -> str:
        return f"10.201.{self.network}.0/30"

    @property
    def host_address(self) -> str:
        return f"10.201.{self.network}.1"

    @property
    def node_address(self) -> str:
        return f"10.201.{self.network}.2"

    @property
    def node_name(self) -> str:
        return self.name

    @property
    def pod_cidr(self) -> str:
        return f"10.{244 - self.network}.0.0/16"

    @property
    def service_cidr(self) -> str:
        return f"10.{96 + self.network}.0.0/16"

    @property
    def ranges(self) -> tuple[str, str, str]:
        """Every range the host must route to the cluster: link, pods, services."""
        return self.link_cidr, self.pod_cidr, self.service_cidr

    @property
    def api_service_address(self) -> str:
        """ClusterIP of ``kubernetes.default``: the first address of the service range."""
        return f"10.{96 + self.network}.0.1"

    @property
    def dns_address(self) -> str:
        return f"10.{96 + self.network}.0.10"

    @property
    def api_url(self) -> str:
        return f"https://{self.node_address}:{API_PORT}"

    @property
    def cgroup(self) -> str:
        """Folder below every cgroup hierarchy; nothing of the cluster runs outside it."""
        return f"slipway.{self.name}"

    @property
    def state(self) -> Path:
        """What outlives a reboot: etcd, volumes, certificates, images, logs."""
        return paths.state_dir() / "sandbox" / self.name

    @property
    def run(self) -> Path:
        """Sockets and mounts; nothing here is worth keeping."""
        return RUN_ROOT / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig (mode 0600)."""
        return self.state / "kubeconfig"

    @property
    def volumes(self) -> Path:
        return self.state / "volumes"

    @property
    def logs(self) -> Path:
        return self.state / "logs"

    @property
    def records(self) -> Path:
        """``<part>.json`` with the pid and start time of each running part."""
        return self.state / "run"

    @property
    def pki(self) -> Path:
        return self.state / "pki"

    @property
    def files(self) -> Path:
        """Configuration files written for the parts."""
        return self.state / "config"

    @property
    def containerd_socket(self) -> Path:
        return self.run / "containerd.sock"


API_URLS = frozenset(SandboxConfig(network=network).api_url for network in range(NETWORKS))


def resolve(
    name: str = DEFAULT_NAME,
    network: int | None = None,
    pods: PodNetwork | None = None,
    *,
    metrics: bool = False,
) -> SandboxConfig:
    """The cluster of that name on the network it was made on, or on ``network`` (else 0) when it is new.
    ``pods``: what is to join its pods, else what joins them now. ``metrics``: whether it is to have a
    metrics-server; one that has it keeps it.

    Raises UserError when it stands on another network: its services keep the addresses they were given.
    """
    found = SandboxConfig(name, network or 0)
    measured = metrics or (found.state / METRICS_NOTE).exists()
    found = replace(found, pods=pods or joined_by(found), metrics=measured)
    try:
        recorded = int((found.state / NETWORK_NOTE).read_text())
    except (FileNotFoundError, ValueError):
        return found
    if network not in (None, recorded):
        raise UserError.of(
            "--network",
            f"cluster {name} was made on network {recorded}, not {network}",
            f"leave --network out, or remove it first: slipway sandbox down --name {name}",
        )
    return replace(found, network=recorded)


def remember(config: SandboxConfig) -> None:
    """Note the cluster's network, what joins its pods and what it has, for ``resolve``."""
    (config.state / NETWORK_NOTE).write_text(f"{config.network}\n")
    (config.state / PODS_NOTE).write_text(f"{config.pods}\n")
    if config.metrics:
        (config.state / METRICS_NOTE).touch()


def joined_by(config: SandboxConfig) -> PodNetwork:
    """What joins the pods of the cluster as it stands; the bridge where there is none yet."""
    try:
        return PodNetwork((config.state / PODS_NOTE).read_text().strip())
    except (FileNotFoundError, ValueError):
        return PodNetwork.BRIDGE


def standing(
    name: str, network: int, pods: PodNetwork | None = None, *, metrics: bool = False
) -> SandboxConfig:
    """The cluster that a stack names. Raises UserError where it stands on another network."""
    found = resolve(name, pods=pods, metrics=metrics)
    if (found.state / NETWORK_NOTE).exists() and found.network != network:
        raise UserError.of(
            "cluster.network",
            f"{network}, and the cluster {name} of this machine was made on network {found.network}",
            f"write network: {found.network}, or give the stack a cluster.name of its own",
        )
    return replace(found, network=network)
