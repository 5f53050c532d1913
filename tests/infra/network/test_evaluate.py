"""The evaluator against the examples and sentences of Kubernetes' own page on network policies."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.infra.network.evaluate import Address, Cluster, Pod, in_block, policy_types, selects

pytestmark = pytest.mark.unit
NODE = "192.168.7.1"


def pod(name: str, namespace: str = "default", **labels: str) -> Pod:
    number = sum(name.encode()) % 200
    return Pod(
        namespace, labels, f"10.9.{len(namespace)}.{number}", {"web": ("TCP", 8080)}, frozenset({NODE})
    )


def policy(spec: str, namespace: str = "default") -> dict[str, Any]:
    return {"metadata": {"name": "any", "namespace": namespace}, "spec": yaml.safe_load(spec)}


DENY = policy("{podSelector: {}, policyTypes: [Ingress, Egress]}")
# kubernetes.io, "Network Policies", "The NetworkPolicy resource".
EXAMPLE = policy("""
podSelector: {matchLabels: {role: db}}
policyTypes: [Ingress, Egress]
ingress:
- from:
  - ipBlock: {cidr: 172.17.0.0/16, except: [172.17.1.0/24]}
  - namespaceSelector: {matchLabels: {project: myproject}}
  - podSelector: {matchLabels: {role: frontend}}
  ports: [{protocol: TCP, port: 6379}]
egress:
- to: [{ipBlock: {cidr: 10.0.0.0/24}}]
  ports: [{protocol: TCP, port: 5978}]
""")
DB = pod("db", role="db")
PROJECTS = {"mine": {"project": "myproject"}, "theirs": {"project": "other"}}


@pytest.mark.parametrize(
    ("source", "port", "opened"),
    [
        (pod("frontend", role="frontend"), 6379, True),
        (pod("frontend", role="frontend"), 6380, False),
        (pod("frontend", "theirs", role="frontend"), 6379, False),
        (pod("anything", "mine"), 6379, True),
        (pod("other", role="backend"), 6379, False),
        (Address("172.17.0.255"), 6379, True),
        (Address("172.17.1.0"), 6379, False),
        (Address("172.17.2.0"), 6379, True),
        (Address("172.18.0.1"), 6379, False),
    ],
)
def test_the_example_lets_in_whom_its_text_says(source: Pod | Address, port: int, opened: bool) -> None:
    assert Cluster([EXAMPLE], PROJECTS).opens(source, DB, port) is opened


@pytest.mark.parametrize(
    ("address", "port", "opened"),
    [("10.0.0.7", 5978, True), ("10.0.0.7", 5979, False), ("10.0.1.7", 5978, False)],
)
def test_the_example_lets_out_where_its_text_says(address: str, port: int, opened: bool) -> None:
    assert Cluster([EXAMPLE], PROJECTS).opens(DB, Address(address), port) is opened


DEFAULTS = {
    "deny all ingress": ("{podSelector: {}, policyTypes: [Ingress]}", False, True),
    "allow all ingress": ("{podSelector: {}, policyTypes: [Ingress], ingress: [{}]}", True, True),
    "deny all egress": ("{podSelector: {}, policyTypes: [Egress]}", True, False),
    "allow all egress": ("{podSelector: {}, policyTypes: [Egress], egress: [{}]}", True, True),
    "deny everything": ("{podSelector: {}, policyTypes: [Ingress, Egress]}", False, False),
    "no types and no rules": ("{podSelector: {}}", False, True),
    "no types and an egress rule": ("{podSelector: {}, egress: [{ports: [{port: 1}]}]}", False, False),
    "of another namespace": (None, True, True),
}


@pytest.mark.parametrize("case", DEFAULTS)
def test_default_policies_close_the_directions_that_they_are_about(case: str) -> None:
    spec, enters, leaves = DEFAULTS[case]
    made = DENY | {"metadata": {"name": "any", "namespace": "elsewhere"}} if spec is None else policy(spec)
    cluster, inside, outside = Cluster([made]), pod("inside"), pod("outside", "apart")
    assert cluster.opens(outside, inside, 80) is enters
    assert cluster.opens(inside, outside, 80) is leaves


def test_a_connection_needs_the_leave_of_both_ends() -> None:
    web, db = pod("web", app="web"), pod("db", app="db")
    out = policy("{podSelector: {matchLabels: {app: web}}, egress: [{to: [{podSelector: {}}]}]}")
    into = policy("{podSelector: {matchLabels: {app: db}}, ingress: [{from: [{podSelector: {}}]}]}")
    assert not Cluster([DENY, out]).opens(web, db, 5432)
    assert not Cluster([DENY, into]).opens(web, db, 5432)
    assert Cluster([DENY, out, into]).opens(web, db, 5432)
    assert not Cluster([DENY, out, into]).opens(db, web, 5432)


def test_policies_add_up_whatever_their_order() -> None:
    one = policy("{podSelector: {}, ingress: [{ports: [{port: 1}]}]}")
    two = policy("{podSelector: {}, ingress: [{ports: [{port: 2}]}]}")
    for given_order in ([one, two], [two, one]):
        opened = [port for port in (1, 2, 3) if Cluster(given_order).opens(pod("a"), pod("b"), port)]
        assert opened == [1, 2]


BOTH = "{namespaceSelector: {matchLabels: {user: alice}}, podSelector: {matchLabels: {role: client}}}"
EITHER = "{namespaceSelector: {matchLabels: {user: alice}}}, {podSelector: {matchLabels: {role: client}}}"


@pytest.mark.parametrize(
    ("row", "opened"),
    [(BOTH, {"client of alice"}), (EITHER, {"client of alice", "pod of alice", "client here"})],
)
def test_selectors_in_one_row_must_both_hold_and_in_two_either(row: str, opened: set[str]) -> None:
    sources = {
        "client of alice": pod("a", "alice", role="client"),
        "pod of alice": pod("b", "alice", role="other"),
        "client here": pod("c", role="client"),
        "pod here": pod("d", role="other"),
        "client of bob": pod("e", "bob", role="client"),
    }
    cluster = Cluster(
        [policy(f"{{podSelector: {{}}, ingress: [{{from: [{row}]}}]}}")],
        {"alice": {"user": "alice"}, "bob": {"user": "bob"}},
    )
    assert {name for name, source in sources.items() if cluster.opens(source, pod("target"), 80)} == opened


RANGE = policy("""
podSelector: {matchLabels: {role: db}}
policyTypes: [Egress]
egress: [{to: [{ipBlock: {cidr: 10.0.0.0/24}}], ports: [{protocol: TCP, port: 32000, endPort: 32768}]}]
""")


@pytest.mark.parametrize(
    ("port", "protocol", "opened"),
    [
        (31_999, "TCP", False),
        (32_000, "TCP", True),
        (32_768, "TCP", True),
        (32_769, "TCP", False),
        (32_000, "UDP", False),
    ],
)
def test_a_range_of_ports_holds_both_its_ends(port: int, protocol: str, opened: bool) -> None:
    assert Cluster([RANGE]).opens(DB, Address("10.0.0.9"), port, protocol) is opened


NAMESPACES = policy("""
podSelector: {matchLabels: {app: myapp}}
policyTypes: [Egress]
egress: [{to: [{namespaceSelector: {matchExpressions: [
  {key: namespace, operator: In, values: [frontend, backend]}]}}]}]
""")


def test_several_namespaces_are_chosen_by_an_expression_and_one_by_its_name() -> None:
    labels = {name: {"namespace": name} for name in ("frontend", "backend", "attic")}
    mine = pod("mine", app="myapp")
    opened = [n for n in labels if Cluster([NAMESPACES], labels).opens(mine, pod("x", n), 80)]
    assert opened == ["frontend", "backend"]
    by_name = "namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: attic}}"
    named = policy(f"{{podSelector: {{}}, policyTypes: [Egress], egress: [{{to: [{{{by_name}}}]}}]}}")
    assert [n for n in labels if Cluster([named], labels).opens(mine, pod("x", n), 80)] == ["attic"]


def test_a_named_port_is_that_of_the_pod_which_answers() -> None:
    named = policy("{podSelector: {}, ingress: [{ports: [{port: web}]}]}")
    other = Pod("default", {}, "10.9.9.9", {"web": ("TCP", 9090)})
    cluster = Cluster([named])
    assert cluster.opens(pod("a"), pod("b"), 8080)
    assert not cluster.opens(pod("a"), pod("b"), 9090)
    assert cluster.opens(pod("a"), other, 9090)
    assert not cluster.opens(pod("a"), pod("b"), 8080, "UDP")
    out = policy("{podSelector: {}, egress: [{ports: [{port: web}]}], policyTypes: [Egress]}")
    assert not Cluster([out]).opens(pod("a"), Address("198.51.100.1"), 8080), "no pod, no names"


def test_a_port_without_a_number_is_all_of_its_protocol_and_tcp_unless_said() -> None:
    every = policy("{podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}")
    assert Cluster([every]).opens(pod("a"), pod("b"), 53, "UDP")
    assert not Cluster([every]).opens(pod("a"), pod("b"), 53, "TCP")
    silent = policy("{podSelector: {}, ingress: [{ports: [{port: 53}]}]}")
    assert Cluster([silent]).opens(pod("a"), pod("b"), 53, "TCP")
    assert not Cluster([silent]).opens(pod("a"), pod("b"), 53, "UDP")


def test_nobody_keeps_a_pod_from_itself_nor_its_node_from_it() -> None:
    own = pod("a")
    cluster = Cluster([DENY])
    assert cluster.opens(own, own, 80)
    assert cluster.opens(Address(NODE), own, 80)
    assert not cluster.opens(Address("192.168.7.2"), own, 80), "another node"
    assert not cluster.opens(own, Address(NODE), 80), "the way back is the policy's"


def test_whether_a_block_chooses_a_pod_is_asked_both_ways() -> None:
    wide = policy("{podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}")
    assert Cluster([wide]).opens(pod("a"), pod("b"), 80)
    assert not Cluster([wide], blocks_choose_pods=False).opens(pod("a"), pod("b"), 80)
    assert Cluster([wide], blocks_choose_pods=False).opens(Address("203.0.113.1"), pod("b"), 80)


@pytest.mark.parametrize(
    ("selector", "labels", "chosen"),
    [
        ({}, {}, True),
        (None, {"a": "b"}, True),
        ({"matchLabels": {"a": "b"}}, {"a": "b", "c": "d"}, True),
        ({"matchLabels": {"a": "b"}}, {"a": "c"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b", "c"]}]}, {"a": "c"}, True),
        ({"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, {"a": "b"}, False),
        ({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["b"]}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {"a": ""}, True),
        ({"matchExpressions": [{"key": "a", "operator": "Exists"}]}, {}, False),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {}, True),
        ({"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}, {"a": ""}, False),
        (
            {"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "Exists"}]},
            {"a": "b"},
            False,
        ),
    ],
)
def test_a_selector_chooses_by_all_that_it_says(selector: Any, labels: dict[str, str], chosen: bool) -> None:
    assert selects(selector, labels) is chosen


def test_an_unknown_operator_is_refused() -> None:
    with pytest.raises(ValueError, match="Like is no operator"):
        selects({"matchExpressions": [{"key": "a", "operator": "Like"}]}, {"a": "b"})


@pytest.mark.parametrize(
    ("spec", "types"),
    [
        ({}, {"Ingress"}),
        ({"egress": []}, {"Ingress"}),
        ({"egress": [{}]}, {"Ingress", "Egress"}),
        ({"egress": [{}], "policyTypes": ["Ingress"]}, {"Ingress"}),
    ],
)
def test_a_policy_that_names_no_direction_is_about_those_it_has_rules_for(spec: Any, types: Any) -> None:
    assert policy_types(spec) == types


@pytest.mark.parametrize(
    ("cidr", "address", "held"),
    [("::/0", "2001:db8::1", True), ("::/0", "192.0.2.1", False), ("0.0.0.0/0", "2001:db8::1", False)],
)
def test_a_block_holds_addresses_of_its_own_family(cidr: str, address: str, held: bool) -> None:
    assert in_block({"cidr": cidr}, address) is held
