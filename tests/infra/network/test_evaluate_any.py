"""What holds of any policies: default deny opens nothing, and one more rule closes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from tests.infra.network.evaluate import Cluster, Pod

pytestmark = pytest.mark.unit
PROPERTIES = examples(max_examples=200, derandomize=True, database=None)
CLOSED = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
NAMES = st.sampled_from(["a", "b", "c"])
LABELS = st.dictionaries(st.sampled_from(["app", "tier"]), NAMES)
PODS = st.builds(
    lambda namespace, labels, number: Pod(namespace, labels, f"10.9.0.{number}"),
    NAMES,
    LABELS,
    st.integers(1, 250),
)
SELECTORS = st.builds(lambda labels: {"matchLabels": labels}, LABELS)
PEERS = st.fixed_dictionaries({}, optional={"podSelector": SELECTORS, "namespaceSelector": st.just({})})
PORTS = st.lists(st.fixed_dictionaries({"port": st.integers(1, 4)}), max_size=2)


def rules(side: str) -> st.SearchStrategy[list[Any]]:
    return st.lists(st.fixed_dictionaries({side: st.lists(PEERS, max_size=2), "ports": PORTS}), max_size=2)


POLICIES = st.builds(
    lambda namespace, selector, ingress, egress, types: {
        "metadata": {"name": "any", "namespace": namespace},
        "spec": {"podSelector": selector, "ingress": ingress, "egress": egress, "policyTypes": types},
    },
    NAMES,
    SELECTORS,
    rules("from"),
    rules("to"),
    st.sampled_from([["Ingress"], ["Egress"], ["Ingress", "Egress"]]),
)


@PROPERTIES
@given(st.lists(POLICIES, max_size=4), PODS, PODS, st.integers(1, 4))
def test_default_deny_closes_what_nothing_opens_and_nothing_else(
    found: list[Any], source: Pod, target: Pod, port: int
) -> None:
    """A rule is what opens: under default deny that is where both ends have one."""
    denied = [{"spec": CLOSED, "metadata": {"name": "deny", "namespace": name}} for name in ("a", "b", "c")]
    closed = Cluster([*denied, *found])
    assert Cluster(denied).opens(source, target, port) is (source == target)
    if closed.opens(source, target, port):
        assert Cluster(found).opens(source, target, port), "default deny opens nothing"
    both = closed.isolated(source, "Egress") and closed.isolated(target, "Ingress")
    assert both
    chosen = Cluster(found)
    if chosen.isolated(source, "Egress") and chosen.isolated(target, "Ingress"):
        assert closed.opens(source, target, port) is chosen.opens(source, target, port)


@PROPERTIES
@given(st.lists(POLICIES, min_size=1, max_size=4), PODS, PODS, st.integers(1, 4), st.data())
def test_one_more_rule_never_closes_a_connection(
    found: list[Any], source: Pod, target: Pod, port: int, data: st.DataObject
) -> None:
    before = Cluster(found).opens(source, target, port)
    spec = found[0]["spec"]
    more = {
        "ingress": spec["ingress"] + data.draw(rules("from")),
        "egress": spec["egress"] + data.draw(rules("to")),
    }
    after = Cluster([{**found[0], "spec": spec | more}, *found[1:]]).opens(source, target, port)
    assert after or not before
