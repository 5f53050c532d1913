"""The ends of a connection and the link between two: what links.py declares and policies.py renders."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Protocol(StrEnum):
    """Over which protocol? Those of NetworkPolicyPort that anything here speaks."""

    TCP = "TCP"
    UDP = "UDP"


@dataclass(frozen=True, order=True)
class Port:
    """A port of the pod that answers, behind any Service; ``number`` None: all of the protocol."""

    number: int | None
    protocol: Protocol = Protocol.TCP

    def __str__(self) -> str:
        return f"{self.number or 'all'}/{self.protocol}"


@dataclass(frozen=True)
class Workload:
    """All pods of one component of the stack."""

    namespace: str
    component: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.component}"


@dataclass(frozen=True)
class Pods:
    """Pods of somebody else's, by one label that has one of ``values``."""

    namespace: str
    label: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.label}={'|'.join(self.values)}"


@dataclass(frozen=True)
class Namespace:
    """All pods of a namespace that is not the stack's."""

    name: str

    def __str__(self) -> str:
        return f"namespace {self.name}"


@dataclass(frozen=True)
class Address:
    """One address, as a setting names it."""

    address: str

    def __str__(self) -> str:
        return self.address


class Place(StrEnum):
    """Where, besides in pods, is the other end?"""

    OUTSIDE = "outside the cluster"
    NODES = "nodes and the API server"
    CLIENTS = "clients of a node port or a load balancer"
    NODE_DNS = "a name server on the node itself"


Peer = Workload | Pods | Namespace | Address | Place


@dataclass(frozen=True)
class Link:
    """``source`` opens connections to ``target``; ``why`` says what for."""

    source: Peer
    target: Peer
    ports: tuple[Port, ...]
    why: str

    def __str__(self) -> str:
        return f"{self.source} → {self.target} {','.join(map(str, self.ports))}: {self.why}"


@dataclass(frozen=True)
class Ranges:
    """The cluster's own networks (CIDR); empty where nobody has said which they are.

    ``clients_are_no_pods``: whoever calls a node port is seen at an address that is no pod's; ``dns``: the
    ports of the cluster's name servers; ``api``: those of the API server itself; ``watched``: the cluster is
    ours alone, and so is its watching.
    """

    pods: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    clients_are_no_pods: bool = False
    dns: tuple[int, ...] = (53,)
    api: tuple[int, ...] = (443, 6443)
    watched: bool = False
