"""Whether NetworkPolicies let a connection through, by the rules of networking.k8s.io/v1 alone.

It knows nothing of the stack: policies are plain manifests, pods are labels and addresses (kubernetes.io,
"Network Policies", and the API reference of NetworkPolicySpec).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import ip_address, ip_network
from typing import Any, Literal

Data = Mapping[str, Any]
Side = Literal["Ingress", "Egress"]
RULES: Mapping[Side, tuple[str, str]] = {"Ingress": ("ingress", "from"), "Egress": ("egress", "to")}
NAMESPACE_LABEL = "kubernetes.io/metadata.name"


@dataclass(frozen=True)
class Address:
    """An end that is no pod: a node, or a host outside the cluster."""

    address: str


@dataclass(frozen=True)
class Pod:
    """A pod that has a network of its own. ``ports``: its named ports → protocol and number; ``node``: the
    addresses of the node it runs on."""

    namespace: str
    labels: Mapping[str, str]
    address: str
    ports: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    node: frozenset[str] = frozenset()


End = Pod | Address


@dataclass(frozen=True)
class Cluster:
    """The policies in force, and the labels of namespaces besides the one with their name.

    ``blocks_choose_pods``: whether an ipBlock that holds a pod's address chooses the pod. The API says that a
    block is for addresses outside, and networks differ: what must be open has to be so without, what must be
    closed with it.
    """

    policies: Sequence[Data]
    namespaces: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    blocks_choose_pods: bool = True

    def opens(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether ``source`` may open a connection to the port of ``target``: both sides must allow it."""
        return self.leaves(source, target, port, protocol) and self.enters(source, target, port, protocol)

    def leaves(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether the source's egress allows it."""
        if not isinstance(source, Pod) or source == target:  # no policy keeps a pod from itself
            return True
        return self._allowed("Egress", source, target, _Asked(target, port, protocol))

    def enters(self, source: End, target: End, port: int, protocol: str = "TCP") -> bool:
        """Whether the target's ingress allows it; from its own node everything is let in."""
        if not isinstance(target, Pod) or source == target:
            return True
        if isinstance(source, Address) and source.address in target.node:
            return True
        return self._allowed("Ingress", target, source, _Asked(target, port, protocol))

    def isolated(self, pod: Pod, side: Side) -> bool:
        """Whether any policy chooses the pod for this direction: without one all is allowed."""
        return bool(self._choosing(pod, side))

    @cached_property
    def _by_namespace(self) -> dict[str, list[Data]]:
        found: dict[str, list[Data]] = {}
        for policy in self.policies:
            found.setdefault(policy["metadata"].get("namespace", "default"), []).append(policy)
        return found

    def _choosing(self, pod: Pod, side: Side) -> list[Data]:
        return [
            policy
            for policy in self._by_namespace.get(pod.namespace, ())
            if side in policy_types(policy["spec"]) and selects(policy["spec"].get("podSelector"), pod.labels)
        ]

    def _allowed(self, side: Side, pod: Pod, peer: End, asked: _Asked) -> bool:
        choosing = self._choosing(pod, side)
        rules, peers = RULES[side]
        return not choosing or any(
            asked.is_among(rule.get("ports")) and self._is_among(rule.get(peers), peer, pod.namespace)
            for policy in choosing
            for rule in policy["spec"].get(rules) or ()
        )

    def _is_among(self, rows: Sequence[Data] | None, end: End, namespace: str) -> bool:
        """An empty or missing list is everybody."""
        return not rows or any(self._is(row, end, namespace) for row in rows)

    def _is(self, row: Data, end: End, namespace: str) -> bool:
        if block := row.get("ipBlock"):
            chosen = isinstance(end, Address) or self.blocks_choose_pods
            return chosen and in_block(block, end.address)
        if not isinstance(end, Pod):
            return False
        if row.get("namespaceSelector") is None:
            there = end.namespace == namespace
        else:
            there = selects(row["namespaceSelector"], self._labels_of(end.namespace))
        wanted = row.get("podSelector")
        return there and (wanted is None or selects(wanted, end.labels))

    def _labels_of(self, namespace: str) -> Mapping[str, str]:
        return {**self.namespaces.get(namespace, {}), NAMESPACE_LABEL: namespace}


@dataclass(frozen=True)
class _Asked:
    """The port that a connection goes to."""

    target: End
    port: int
    protocol: str

    def is_among(self, rows: Sequence[Data] | None) -> bool:
        """An empty or missing list is every port."""
        return not rows or any(self._is(row) for row in rows)

    def _is(self, row: Data) -> bool:
        protocol, port = row.get("protocol", "TCP"), row.get("port")
        if protocol != self.protocol:
            return False
        if port is None:
            return True
        if isinstance(port, str):
            named = self.target.ports.get(port) if isinstance(self.target, Pod) else None
            return named == (self.protocol, self.port)
        return bool(port <= self.port <= row.get("endPort", port))


def policy_types(spec: Data) -> frozenset[str]:
    """The directions that a policy is about: as it says, else Ingress, and Egress where it has such rules."""
    if said := spec.get("policyTypes"):
        return frozenset(said)
    return frozenset({"Ingress", "Egress"} if spec.get("egress") else {"Ingress"})


def selects(selector: Data | None, labels: Mapping[str, str]) -> bool:
    """Whether a LabelSelector chooses an object with these labels; an empty one chooses all."""
    selector = selector or {}
    equal: Iterable[tuple[str, str]] = (selector.get("matchLabels") or {}).items()
    return all(labels.get(key) == value for key, value in equal) and all(
        _holds(row, labels) for row in selector.get("matchExpressions") or ()
    )


def _holds(row: Data, labels: Mapping[str, str]) -> bool:
    key, operator, values = row["key"], row["operator"], row.get("values") or ()
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":  # also of what has no such label
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    if operator == "DoesNotExist":
        return key not in labels
    raise ValueError(f"{operator} is no operator of a LabelSelector")


def in_block(block: Data, address: str) -> bool:
    """Whether an IPBlock holds the address: in its range, and in none of its exceptions."""
    wanted = ip_address(address)
    excepted = any(wanted in ip_network(each) for each in block.get("except") or ())
    return wanted in ip_network(block["cidr"]) and not excepted
