"""Every pair of everybody in and around a stack: what it declares is open, and all the rest is closed."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from infra.paths import ROOT
from infra.settings import check
from infra.settings.model import Settings
from tests.infra.mocks import built, settings
from tests.infra.network.evaluate import End, Pod
from tests.infra.network.planned import Plan, plan

pytestmark = pytest.mark.unit
BACKUPS = {"enabled": True, "bucket": "ledger-backups"}
HOSTS = {"hosts": ["ledger.example.com"], "cluster_issuer": "letsencrypt"}
MAIL = {"to": ["a@example.com"], "sender": "b@example.com", "smarthost": "smtp.example.com:587"}
TOLD = {"slack": {"channel": "#alerts"}, "email": MAIL, "heartbeat": {"every_minutes": 5}}
AWS = {"kind": "aws", "region": "eu-central-1"}
OIDC = {
    "client_id": "grafana",
    "auth_url": "https://id.example.com/authorize",
    "token_url": "https://id.example.com:8443/token",
    "api_url": "https://id.example.com/userinfo",
}
GRAFANA = {"enabled": True, "host": "grafana.example.com", "oidc": OIDC}
REACHES = ["api.example.com:443", "search.observability.svc:9200", "203.0.113.7:9999"]
STACKS: dict[str, tuple[str, dict[str, Any]]] = {
    "nothing but the service": ("ledger-dev", {}),
    "behind an ingress": ("ledger-prod", {"ingress": HOSTS}),
    "behind a Gateway": (
        "ledger-prod",
        {
            "ingress": {"kind": "gateway", "class_name": "eg", **HOSTS},
            "network": {"ingress_namespace": "gateways"},
        },
    ),
    "behind an nginx": (
        "ledger-staging",
        {
            "ingress": {
                "kind": "nginx",
                "hosts": HOSTS["hosts"],
                "nginx": {"upstreams": ["10.0.0.11:30080"]},
            },
            "service": {"type": "NodePort", "trusted_proxies": ["10.0.0.0/24"]},
        },
    ),
    "by a load balancer": ("ledger-staging", {"service": {"type": "LoadBalancer"}}),
    "called by others, calling others": (
        "ledger-staging",
        {
            "network": {"callers": ["shop"], "reaches": REACHES},
            "tracing": {"enabled": True, "endpoint": "http://collector.observability.svc:4318"},
        },
    ),
    "networks that are known": (
        "ledger-prod",
        {
            "network": {"pod_networks": ["10.244.0.0/16"], "node_networks": ["10.201.0.0/24"]},
            "ingress": HOSTS,
            "backups": {**BACKUPS, "store": {"kind": "s3", "endpoint": "https://s3.example.com"}},
        },
    ),
    "all that there is": (
        "ledger-prod",
        {
            "ingress": HOSTS,
            "backups": {**BACKUPS, "pitr": {"enabled": True}},
            "monitoring": {"receivers": TOLD, "grafana": GRAFANA},
        },
    ),
    "without lines, told by mail": (
        "ledger-prod",
        {"ingress": HOSTS, "logs": {"enabled": False}, "monitoring": {"receivers": {"email": MAIL}}},
    ),
    "measured by the cluster": (
        "ledger-prod",
        {
            "ingress": HOSTS,
            "monitoring": {"operator": True},
            "backups": {
                **BACKUPS,
                "store": {"kind": "aws", "region": "eu-central-1"},
                "pitr": {"enabled": True},
            },
        },
    ),
    "measured by nobody, with backups": ("ledger-dev", {"backups": BACKUPS}),
    "the sandbox": ("sandbox", {}),
    "the sandbox with an archive": ("sandbox", {"backups": {"pitr": {"enabled": True}}}),
}
TEAMS = sorted(
    path.name.removeprefix("Pulumi.").removesuffix(".yaml")
    for path in (ROOT / "stacks").glob("Pulumi.*-*.yaml")
)
UNUSED = (22, 65535)  # ports of nobody
USUAL_UDP = (53, 1053, 5432, *UNUSED)


@cache
def planned(case: str) -> Plan:
    return of(check.load(case) if case in TEAMS else settings(STACKS[case][0], **STACKS[case][1]))


def of(wanted: Settings) -> Plan:
    return plan(wanted, built(wanted))


def ports(found: Plan, source: End, target: End) -> list[tuple[int, str]]:
    """Those of either end's links, those on which the target listens, and some of nobody."""
    named = {number for _, number in target.ports.values()} if isinstance(target, Pod) else set()
    linked = {
        port.number
        for link in found.declared
        for port in link.ports
        if port.number
        and any(found.is_of(peer, end) for peer in (link.source, link.target) for end in (source, target))
    }
    tcp = sorted({*named, *linked, *UNUSED})
    return [*((port, "TCP") for port in tcp), *((port, "UDP") for port in tcp if port in USUAL_UDP)]


def pairs(found: Plan) -> list[tuple[str, str]]:
    """Those with the stack at one end at least: who talks to whom beside it is not its matter. A node asks
    its pods how they are, and no policy keeps it away."""
    return [
        (source, target)
        for source, one in found.ends.items()
        for target, other in found.ends.items()
        if source not in (target, "node") and any(is_own(found, end) for end in (one, other))
    ]


def is_own(found: Plan, end: End) -> bool:
    return isinstance(end, Pod) and end.namespace in found.namespaces


@pytest.mark.parametrize("case", [*STACKS, *TEAMS])
def test_every_declared_pair_is_open_and_every_other_closed(case: str) -> None:
    found = planned(case)
    narrow, wide = (found.cluster(blocks_choose_pods=wide) for wide in (False, True))
    shut: list[str] = []
    open_: list[str] = []
    for source, target in pairs(found):
        one, other = found.ends[source], found.ends[target]
        for port, protocol in ports(found, one, other):
            told = f"{source} → {target} {port}/{protocol}"
            if found.declares(one, other, port, protocol):
                shut += [] if narrow.opens(one, other, port, protocol) else [told]
            else:
                open_ += [told] if wide.opens(one, other, port, protocol) else []
    assert (shut, open_) == ([], []), "declared and shut, open and not declared"


@pytest.mark.parametrize("case", [*STACKS, *TEAMS])
def test_strangers_reach_nothing_and_are_reached_by_nobody(case: str) -> None:
    """Unlabelled pods of the stack's own namespaces and its namesakes in another one."""
    found = planned(case)
    wide = found.cluster(blocks_choose_pods=True)
    # Whose clients nobody knows; the sandbox knows that they are no pods.
    anybody = found.settings.service.type != "ClusterIP" and not found.settings.cluster.sandbox
    for name, stranger in found.others.items():
        if not name.startswith(("unlabelled pod in ledger", "namesake")):
            continue
        for component, pod in found.pods.items():
            for port, protocol in ports(found, stranger, pod):
                if anybody and (component, port) == ("service", 8000):
                    continue
                assert not wide.opens(stranger, pod, port, protocol), f"{name} → {component} {port}"


@pytest.mark.parametrize("case", [*STACKS, *TEAMS])
def test_every_pod_has_the_one_policy_of_its_component_and_the_one_that_denies(case: str) -> None:
    found = planned(case)
    for component, pod in found.pods.items():
        names = sorted(policy["metadata"]["name"] for policy in chosen(found, pod))
        assert names == sorted(["default-deny", component])
    workloads = [policy["metadata"]["name"] for policy in found.policies]
    assert sorted({*workloads} - {"default-deny"}) == sorted(found.pods), "no policy is left over"


def chosen(found: Plan, pod: Pod) -> list[dict[str, Any]]:
    return [
        policy
        for policy in found.policies
        if policy["metadata"]["namespace"] == pod.namespace
        and (policy["spec"]["podSelector"].get("matchLabels") or {}).items() <= pod.labels.items()
    ]


def test_a_pod_never_reaches_the_credentials_that_a_cloud_hands_to_its_nodes() -> None:
    for case in STACKS:
        found = planned(case)
        cluster = found.cluster(blocks_choose_pods=True)
        for component, pod in found.pods.items():
            assert not cluster.opens(pod, found.others["metadata"], 80), f"{case}: {component}"


def test_without_policies_nothing_is_made_and_everything_is_open() -> None:
    found = of(settings("ledger-dev", network={"policies": False}))
    assert found.policies == []
    cluster = found.cluster(blocks_choose_pods=True)
    assert cluster.opens(found.others["unlabelled pod in strangers"], found.pods["postgres"], 5432)


def test_no_pod_is_made_before_the_policies_of_its_namespace() -> None:
    made = built(settings("sandbox"))
    policies = {
        namespace: {
            name
            for name, policy in made.kind("NetworkPolicy").items()
            if policy["metadata"]["namespace"] == namespace
        }
        for namespace in ("sandbox", "sandbox-logs")
    }
    parts = [item.name for item in made.resources if item.typ.startswith("slipway:index:")]
    for part in set(parts) - {"stack", "network", "logs", "logs-network"}:
        namespace = "sandbox-logs" if part == "logs-collector" else "sandbox"
        assert policies[namespace] <= made.awaited[part], part
