"""Rules on who reaches what: policies of pods, and doors to the world."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from infra.policy.plan import Plan, Pod
from infra.policy.planned import UNKNOWN, Resource, at, differs, mappings, text, texts
from infra.policy.rule import EVERYWHERE, IN_PRODUCTION, Breach, Rule
from infra.policy.selecting import Selectors

COVERED = EVERYWHERE
DIRECTIONS = ("Ingress", "Egress")
ANYWHERE = frozenset({"0.0.0.0/0", "::/0"})
# By whom a load balancer gets an address that only the team's own network reaches.
INTERNAL = (
    ("service.beta.kubernetes.io/aws-load-balancer-internal", "true"),
    ("service.beta.kubernetes.io/aws-load-balancer-scheme", "internal"),
    ("service.beta.kubernetes.io/azure-load-balancer-internal", "true"),
    ("networking.gke.io/load-balancer-type", "Internal"),
)


def _uncovered(plan: Plan) -> Iterator[Breach]:
    policies = Selectors(plan.objects("NetworkPolicy"), "spec", "podSelector")
    for pod in plan.pods:
        if pod.spec.get("hostNetwork") is not True:  # else policies do not reach it
            yield from _of_pod(pod, list(policies.of(pod.resource, pod.labels)))
    for policy in plan.objects("NetworkPolicy"):
        for direction in DIRECTIONS:
            path = f"spec.{direction.lower()}"
            for index, allowed in mappings(at(policy.properties, "spec", direction.lower())):
                if not allowed:
                    yield Breach(policy, f"{path}[{index}]", "is empty, which allows everything")


def _of_pod(pod: Pod, policies: list[Resource]) -> Iterator[Breach]:
    """A pod is closed in a direction as soon as one policy that selects it is about that direction."""
    closed = {direction for policy in policies for direction in _directions(policy)}
    missing = [direction for direction in DIRECTIONS if direction not in closed]
    if missing:
        what = f"are selected by no NetworkPolicy for {' and '.join(missing)}"
        path = ".".join((*pod.path.split(".")[:-1], "metadata", "labels"))
        yield Breach(pod.resource, path, what)


def _directions(policy: Resource) -> tuple[str, ...]:
    """Without policyTypes it is about Ingress, and Egress where it has rules (NetworkPolicySpec)."""
    spec = at(policy.properties, "spec")
    types = at(spec, "policyTypes")
    if types == UNKNOWN:
        return DIRECTIONS
    if types is None:
        return DIRECTIONS if at(spec, "egress") else DIRECTIONS[:1]
    return tuple(texts(types))


def _open(plan: Plan) -> Iterator[Breach]:
    for service in plan.objects("Service"):
        kind = at(service.properties, "spec", "type")
        if kind == "NodePort":
            yield Breach(service, "spec.type", "is NodePort: every node answers on its port, without TLS")
        elif kind == "LoadBalancer" and not _internal(service):
            yield from _ranges(service)


def _internal(service: Resource) -> bool:
    annotations = at(service.properties, "metadata", "annotations")
    return any(str(at(annotations, key)).lower() == value.lower() for key, value in INTERNAL)


def _ranges(service: Resource) -> Iterator[Breach]:
    ranges = at(service.properties, "spec", "loadBalancerSourceRanges")
    path = "spec.loadBalancerSourceRanges"
    if not ranges:
        yield Breach(service, path, "is missing, and the load balancer takes requests from everywhere")
    elif everywhere := sorted(ANYWHERE.intersection(texts(ranges))):
        yield Breach(service, path, f"holds {', '.join(everywhere)}, which is everywhere")


def _without_tls(plan: Plan) -> Iterator[Breach]:
    for ingress in plan.objects("Ingress"):
        spec = at(ingress.properties, "spec")
        certified = {
            host
            for _, entry in mappings(at(spec, "tls"))
            if entry.get("secretName")
            for host in texts(entry.get("hosts"))
        }
        if at(spec, "tls") == UNKNOWN:
            continue
        for index, rule in mappings(at(spec, "rules")):
            host = rule.get("host")
            if host != UNKNOWN and not _certified(host, certified):
                what = f"{host or 'every host'} has no certificate: spec.tls does not name it"
                yield Breach(ingress, f"spec.rules[{index}].host", what)
    for gateway in plan.objects("Gateway"):
        listeners = list(mappings(at(gateway.properties, "spec", "listeners")))
        if listeners and not any(_encrypted(listener) for _, listener in listeners):
            yield Breach(gateway, "spec.listeners", "have no listener of HTTPS with a certificate")


def _certified(host: Any, certified: set[str]) -> bool:
    if not isinstance(host, str):
        return False
    return host in certified or f"*.{host.partition('.')[2]}" in certified


def _encrypted(listener: Mapping[str, Any]) -> bool:
    if text(listener, "protocol") not in {"HTTPS", "TLS", UNKNOWN}:
        return False
    return not differs(bool(at(listener, "tls", "certificateRefs")), True) or (
        at(listener, "tls", "mode") == "Passthrough"
    )


RULES = (
    Rule(
        "pods-have-a-network-policy",
        "Every pod is closed in both directions by a NetworkPolicy, and none of them allows everything.",
        "Whoever takes over one pod reaches what that pod needs, and nothing else of the cluster.",
        "declare the link between the two in the program, which writes the policies",
        _uncovered,
        environments=COVERED,
    ),
    Rule(
        "services-are-not-open",
        "In production no Service is open to the world by itself.",
        "The way in is the Ingress: it has TLS, limits and a name. Beside it nothing of that holds.",
        "use type ClusterIP and an Ingress; a load balancer needs loadBalancerSourceRanges or an internal "
        "address",
        _open,
        environments=IN_PRODUCTION,
        alone=True,
    ),
    Rule(
        "ingresses-have-tls",
        "In production every host of an Ingress or a Gateway has a certificate.",
        "Logins and answers would be readable on their way.",
        "set ingress.cluster_issuer or ingress.tls_secret in the stack file",
        _without_tls,
        environments=IN_PRODUCTION,
        alone=True,
    ),
)
