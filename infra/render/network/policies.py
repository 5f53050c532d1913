"""Declared links as NetworkPolicies (networking.k8s.io/v1): nothing by default, then one for each workload.

A connection needs both ends' leave: the source's egress and the target's ingress.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from infra import names
from infra.render import plain
from infra.render.network import links
from infra.render.network.peers import Address, Link, Namespace, Peer, Place, Pods, Port, Ranges, Workload
from infra.settings.model import Settings

API_VERSION = "networking.k8s.io/v1"
COMPONENT, DEFAULT_DENY = "network", "default-deny"
BOTH = ["Ingress", "Egress"]
NAMESPACE_LABEL = "kubernetes.io/metadata.name"  # on every namespace, by the API server itself
EVERYWHERE = {4: "0.0.0.0/0", 6: "::/0"}
# RFC 1918, RFC 6598 and RFC 4193: where a cluster has its pods, unless somebody says where.
PRIVATE = ("10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7")
LINK_LOCAL = ("169.254.0.0/16", "fe80::/10")  # also where clouds hand out a node's credentials

Data = dict[str, Any]


@dataclass(frozen=True)
class Policy:
    """A NetworkPolicy without what all have in common. ``component``: whose it is."""

    namespace: str
    name: str
    component: str
    spec: Data


def of_stack(settings: Settings, ranges: Ranges) -> tuple[Policy, ...]:
    """Every policy of the stack, by namespace; none where they are switched off."""
    if not settings.network.policies:
        return ()
    declared = links.all_links(settings, ranges)
    return tuple(
        policy for namespace in namespaces(declared) for policy in _of_namespace(namespace, declared, ranges)
    )


def namespaces(declared: Iterable[Link]) -> tuple[str, ...]:
    """Those in which the stack's own workloads run."""
    return tuple(dict.fromkeys(each.namespace for each in workloads(declared)))


def workloads(declared: Iterable[Link]) -> tuple[Workload, ...]:
    """Every workload at either end of a link."""
    ends = [end for link in declared for end in (link.source, link.target)]
    return tuple(dict.fromkeys(end for end in ends if isinstance(end, Workload)))


def files(settings: Settings, ranges: Ranges) -> dict[str, str]:
    """The links as people read them and the policies as kubectl takes them, for the golden files."""
    made = of_stack(settings, ranges)
    documents = (plain.text(manifest(policy, str(settings.stack))) for policy in made)
    return {
        "links.txt": "".join(f"{link}\n" for link in links.all_links(settings, ranges)),
        "policies.yaml": "---\n".join(documents),
    }


def manifest(policy: Policy, stack: str) -> Data:
    """The whole object as kubectl takes it."""
    return {
        "apiVersion": API_VERSION,
        "kind": "NetworkPolicy",
        "metadata": {
            "name": policy.name,
            "namespace": policy.namespace,
            "labels": names.labels(policy.component, stack),
        },
        "spec": policy.spec,
    }


def _of_namespace(namespace: str, declared: Iterable[Link], ranges: Ranges) -> list[Policy]:
    declared = tuple(declared)
    closed = Policy(namespace, DEFAULT_DENY, COMPONENT, {"podSelector": {}, "policyTypes": BOTH})
    here = [each for each in workloads(declared) if each.namespace == namespace]
    return [closed, *(_of_workload(each, declared, ranges) for each in here)]


def _of_workload(workload: Workload, declared: Iterable[Link], ranges: Ranges) -> Policy:
    declared = tuple(declared)
    coming = [(link.source, link.ports) for link in declared if link.target == workload]
    going = [(link.target, link.ports) for link in declared if link.source == workload]
    rules = {
        "ingress": _rules("from", coming, workload.namespace, ranges),
        "egress": _rules("to", going, workload.namespace, ranges),
    }
    spec = {
        "podSelector": {"matchLabels": names.selector_labels(workload.component)},
        "policyTypes": BOTH,
        **{side: found for side, found in rules.items() if found},
    }
    return Policy(workload.namespace, workload.component, workload.component, spec)


def _rules(
    side: str, wanted: Iterable[tuple[Peer, tuple[Port, ...]]], namespace: str, ranges: Ranges
) -> list[Data]:
    """One rule for all peers of the same ports. A peer that nothing can choose makes a rule of its own."""
    found: dict[tuple[Port, ...], list[Peer]] = {}
    for peer, ports in wanted:
        of_ports = found.setdefault(ports, [])
        of_ports += [peer] if peer not in of_ports else []
    rules = []
    for ports, peers in found.items():
        chosen = [_peer(peer, namespace, ranges) for peer in peers]
        said: Data = {"ports": [_port(port) for port in ports]}
        if listed := [each for rows in chosen if rows is not None for each in rows]:
            rules.append({side: listed, **said})
        if None in chosen:
            rules.append(said)
    return rules


def _port(port: Port) -> Data:
    number = {} if port.number is None else {"port": port.number}
    return {"protocol": port.protocol.value, **number}


def _peer(peer: Peer, namespace: str, ranges: Ranges) -> list[Data] | None:
    """The rows that choose it; None where anybody must do, since nobody has said which addresses it has."""
    if isinstance(peer, Workload):
        chosen = {"podSelector": {"matchLabels": names.selector_labels(peer.component)}}
        return [chosen if peer.namespace == namespace else {**_namespace(peer.namespace), **chosen}]
    if isinstance(peer, Pods):
        row = {"key": peer.label, "operator": "In", "values": list(peer.values)}
        return [{**_namespace(peer.namespace), "podSelector": {"matchExpressions": [row]}}]
    if isinstance(peer, Namespace):
        return [_namespace(peer.name)]
    if isinstance(peer, Address):
        return _blocks([str(ip_network(peer.address))])
    return _place(peer, ranges)


def _place(place: Place, ranges: Ranges) -> list[Data] | None:
    if place is Place.OUTSIDE:
        return _blocks(_everywhere(ranges), (*(ranges.pods or PRIVATE), *ranges.nodes, *LINK_LOCAL))
    if place is Place.NODE_DNS:
        return _blocks([f"{links.NODE_DNS}/32"])
    if place is Place.CLIENTS:
        return _blocks(_everywhere(ranges), ranges.pods) if ranges.clients_are_no_pods else None
    return _blocks(ranges.nodes) if ranges.nodes else None


def _everywhere(ranges: Ranges) -> list[str]:
    """Of the families that the pods have. Cilium takes either for the whole world where it knows but one, and
    with ::/0 every exception of 0.0.0.0/0 would be open there."""
    versions = {ip_network(each).version for each in ranges.pods} or {4}
    return [EVERYWHERE[version] for version in sorted(versions)]


def _namespace(name: str) -> dict[str, Mapping[str, Mapping[str, str]]]:
    return {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: name}}}


def _blocks(networks: Iterable[str], excepted: Iterable[str] = ()) -> list[Data]:
    """Kubernetes takes an exception only inside its block, so that each family has its own."""
    rows = []
    for block in map(ip_network, networks):
        inside = sorted({str(each) for each in map(ip_network, excepted) if _within(each, block)})
        rows.append({"ipBlock": {"cidr": str(block), **({"except": inside} if inside else {})}})
    return rows


def _within(inner: IPv4Network | IPv6Network, outer: IPv4Network | IPv6Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner != outer and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner != outer and inner.subnet_of(outer)
