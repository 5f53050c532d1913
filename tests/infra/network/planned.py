"""What a stack plans, as the evaluator takes it: its pods, its policies, and everybody around them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from infra import names, ranges
from infra.render.network import links, peers
from infra.render.network.peers import Link, Namespace, Peer, Place, Pods, Port, Protocol, Workload
from infra.settings.model import Settings
from tests.infra.mocks import Built
from tests.infra.network.evaluate import Address, Cluster, End, Pod

COMPONENT = "app.kubernetes.io/component"
NODE = "10.201.0.2"
PUBLIC, PRIVATE, METADATA = "203.0.113.7", "10.77.0.9", "169.254.169.254"
STRANGERS = "strangers"
Data = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """The pods of a stack by component, everybody else by a name of ours, and the policies of all."""

    settings: Settings
    pods: dict[str, Pod]
    others: dict[str, End]
    policies: list[Data]
    declared: tuple[Link, ...]

    @property
    def ends(self) -> dict[str, End]:
        """Everybody."""
        return {**self.pods, **self.others}

    def cluster(self, *, blocks_choose_pods: bool) -> Cluster:
        """The policies in force, in one of the two ways that networks read a block."""
        return Cluster(self.policies, blocks_choose_pods=blocks_choose_pods)

    def declares(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether a link says so; written without a look at any policy."""
        wanted = {Port(port, Protocol(protocol)), Port(None, Protocol(protocol))}
        return any(
            wanted & set(link.ports) and self.is_of(link.source, source) and self.is_of(link.target, target)
            for link in self.declared
        )

    def is_of(self, peer: Peer, end: End) -> bool:
        """Whether the end is (one of) the peer."""
        if isinstance(peer, Workload):
            return (
                isinstance(end, Pod)
                and (end.namespace, end.labels.get(COMPONENT)) == (peer.namespace, peer.component)
                and end.labels.get("app.kubernetes.io/part-of") == names.PROJECT
            )
        if isinstance(peer, Pods):
            return isinstance(end, Pod) and (
                end.namespace == peer.namespace and end.labels.get(peer.label) in peer.values
            )
        if isinstance(peer, Namespace):
            return isinstance(end, Pod) and end.namespace == peer.name
        if isinstance(peer, peers.Address):
            return end.address == peer.address
        return self._is_at(peer, end)

    def _is_at(self, place: Place, end: End) -> bool:
        known = ranges.of(self.settings)
        if place is Place.OUTSIDE:
            inside = {METADATA, NODE, links.NODE_DNS} | (set() if known.pods else {PRIVATE})
            return isinstance(end, Address) and end.address not in inside
        if place is Place.NODE_DNS:
            return end.address == links.NODE_DNS
        if place is Place.NODES and known.nodes:
            return any(ip_address(end.address) in ip_network(each) for each in known.nodes)
        if place is Place.CLIENTS and known.clients_are_no_pods:
            return isinstance(end, Address)
        return not (isinstance(end, Pod) and end.namespace in self.namespaces)  # anybody who can

    @property
    def namespaces(self) -> frozenset[str]:
        """The stack's own."""
        return frozenset(pod.namespace for pod in self.pods.values())


def plan(settings: Settings, built: Built) -> Plan:
    """The stack, planned under mocks, with somebody of every other kind beside it."""
    pods = dict(_pods(built))
    policies = [each for each in built.kind("NetworkPolicy").values()]
    declared = links.all_links(settings, ranges.of(settings)) if settings.network.policies else ()
    return Plan(settings, pods, _others(settings, pods), policies, declared)


def _pods(built: Built) -> Iterator[tuple[str, Pod]]:
    number = 0
    for kind in ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"):
        for inputs in built.kind(kind).values():
            spec = inputs["spec"]
            template = spec["jobTemplate"]["spec"]["template"] if kind == "CronJob" else spec["template"]
            labels, number = template["metadata"]["labels"], number + 1
            rows = [row for each in template["spec"]["containers"] for row in each.get("ports", ())]
            ports = {row["name"]: ("TCP", int(row["containerPort"])) for row in rows}
            namespace = inputs["metadata"]["namespace"]
            yield labels[COMPONENT], Pod(namespace, labels, f"10.244.3.{number}", ports, frozenset({NODE}))


def _others(settings: Settings, pods: dict[str, Pod]) -> dict[str, End]:
    """Name servers, whoever may call, strangers in every namespace, and addresses of every kind."""
    namesakes = {
        f"namesake of {component}": Pod(STRANGERS, pod.labels, f"10.244.4.{number}")
        for number, (component, pod) in enumerate(pods.items(), 1)
    }
    own = sorted({pod.namespace for pod in pods.values()})
    unlabelled = {
        f"unlabelled pod in {namespace}": Pod(namespace, {}, f"10.244.5.{number}")
        for number, namespace in enumerate([*own, STRANGERS, "kube-system"], 1)
    }
    network = settings.network
    callers = {
        f"pod in {name}": Pod(name, {"app": "any"}, f"10.244.6.{number}")
        for number, name in enumerate(
            [network.ingress_namespace, network.prometheus_namespace, *network.callers, "observability"], 1
        )
    }
    places = {
        "node": NODE, "public host": PUBLIC, "private host": PRIVATE, "metadata": METADATA,
        "name server of the node": links.NODE_DNS,
    }  # fmt: skip
    addresses = {name: Address(address) for name, address in places.items()}
    dns = Pod("kube-system", {"k8s-app": "kube-dns"}, "10.244.7.1")
    return {**namesakes, **unlabelled, **callers, **addresses, "name server": dns}
