"""How single changes are told: the unit, the part, who should look at it."""

from __future__ import annotations

from typing import Any

import pytest

from infra.review import amounts
from infra.review.amounts import Unit
from infra.review.differences import MISSING, UNKNOWN, between, key_of
from infra.review.wording import code, counted, markdown, plain, value
from tests.infra.review.previews import object_of, reviewed, step, told, workload

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("before", "after", "unit", "words"),
    [
        ("20Gi", "50Gi", Unit.BYTES, "20 → 50 GiB"),
        ("512Mi", "1Gi", Unit.BYTES, "512 MiB → 1 GiB"),
        ("1025Mi", "1026Mi", Unit.BYTES, "1025Mi → 1026Mi"),
        ("1G", "1Gi", Unit.BYTES, "954 MiB → 1 GiB"),
        ("250m", "1", Unit.CORES, "0.25 cores → 1 core"),
        ("250m", "500m", Unit.CORES, "0.25 → 0.5 cores"),
        (30, 90, Unit.SECONDS, "30 s → 1.5 min"),
        (30.0, 14.0, Unit.DAYS, "30 → 14 days"),
        (1, 30, Unit.DAYS, "1 day → 30 days"),
        ("soon", "late", Unit.SECONDS, "soon → late"),
        (2.0, 4.0, Unit.NONE, "2 → 4"),
        (True, False, Unit.NONE, "true → false"),
        ("", "a", Unit.NONE, '"" → a'),
        (None, UNKNOWN, Unit.NONE, "null → a value known later"),
        (MISSING, "10Gi", Unit.BYTES, "nothing → 10 GiB"),
    ],
)  # fmt: skip
def test_two_values_are_told_in_the_units_of_people(before: Any, after: Any, unit: Unit, words: str) -> None:
    assert plain(amounts.change(before, after, unit)) == words


@pytest.mark.parametrize(
    ("kind", "before", "after", "words"),
    [
        ("Deployment", {"replicas": 2}, {"replicas": 4}, "~ replicas 2 → 4 [cost]"),
        ("Deployment", {"image": "r/a:1"}, {"image": "r/a:2"}, "~ image r/a 1 → 2, rollout of 2 replicas"),
        ("Deployment", {"image": "r/a:1"}, {"image": "r/a@sha256:ab"},
         "~ image r/a 1 → sha256:ab, rollout of 2 replicas"),
        ("Deployment", {"image": "r/a:1"}, {"image": "q/a:1"},
         "~ image r/a:1 → q/a:1, from another repository, rollout of 2 replicas [security]"),
        ("StatefulSet", {"image": "r/a:1", "replicas": 1}, {"image": "r/a:2", "replicas": 1},
         "~ image r/a 1 → 2, restart of its pod"),
        ("DaemonSet", {"image": "r/a:1"}, {"image": "r/a:2"}, "~ image r/a 1 → 2, restart on every node"),
        ("Deployment", {"env": [{"name": "A", "value": "1"}]},
         {"env": [{"name": "A", "value": "2"}, {"name": "B", "value": "x"}]},
         "~ variable A 1 → 2; variable B added, rollout of 2 replicas"),
        ("Deployment", {"env": [{"name": "ALLOWED_ORIGINS", "value": "a"}]},
         {"env": [{"name": "ALLOWED_ORIGINS", "value": "*"}]},
         "~ variable ALLOWED_ORIGINS a → *, rollout of 2 replicas [security]"),
        ("Deployment", {"command": ["a", "--x=1"]}, {"command": ["a", "--x=2"]},
         "~ command --x=1 → --x=2, rollout of 2 replicas"),
        ("Deployment", {"securityContext": {"runAsNonRoot": True}},
         {"securityContext": {"runAsNonRoot": False}},
         "~ security context runAsNonRoot true → false, rollout of 2 replicas [security]"),
        ("Deployment", {}, {"hostNetwork": True},
         "~ the node's network set to true; its pods share the node's network, rollout of 2 replicas"
         " [security]"),
        ("Deployment", {"readinessProbe": {"periodSeconds": 5}},
         {"readinessProbe": {"periodSeconds": 90}},
         "~ readiness probe's period 5 s → 1.5 min, rollout of 2 replicas"),
    ],
)  # fmt: skip
def test_what_changes_in_a_workload_is_told_in_a_line(
    kind: str, before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    sides = [workload(kind, **side) for side in (before, after)]
    made = reviewed(step("update", f"kubernetes:apps/v1:{kind}", "service-x", *sides))
    assert f"\nservice\n  {words}\n" in told(made)


@pytest.mark.parametrize(
    ("type_", "before", "after", "words"),
    [
        ("core/v1:Service", {"type": "ClusterIP"}, {"type": "LoadBalancer"},
         "Service a type ClusterIP → LoadBalancer [cost] [security]"),
        ("autoscaling/v2:HorizontalPodAutoscaler", {"maxReplicas": 8}, {"maxReplicas": 10},
         "HorizontalPodAutoscaler a most replicas 8 → 10 [cost]"),
        ("core/v1:PersistentVolumeClaim", {"resources": {"requests": {"storage": "20Gi"}}},
         {"resources": {"requests": {"storage": "50Gi"}}},
         "PersistentVolumeClaim a storage 20 → 50 GiB, in place [cost]"),
        ("networking.k8s.io/v1:Ingress", {"rules": [{"host": "a.example"}]},
         {"rules": [{"host": "a.example"}, {"host": "b.example"}]},
         "Ingress a host b.example added [security]"),
        ("gateway.networking.k8s.io/v1:HTTPRoute", {"hostnames": ["a.example"]},
         {"hostnames": ["a.example", "b.example"]},
         "HTTPRoute a host now also b.example [security]"),
        ("gateway.networking.k8s.io/v1:Gateway", {"gatewayClassName": "eg"}, {"gatewayClassName": "cilium"},
         "Gateway a class eg → cilium [security]"),
        ("networking.k8s.io/v1:NetworkPolicy", {"ingress": []}, {"ingress": [{"ports": [{"port": 80.0}]}]},
         "NetworkPolicy a ingress opens: everybody on port 80 [security]"),
        ("networking.k8s.io/v1:NetworkPolicy",
         {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}]},
         {"egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}]},
         "NetworkPolicy a rule egress.0.to.0.ipBlock.cidr 10.0.0.0/8 → 0.0.0.0/0 [security]"),
        ("networking.k8s.io/v1:NetworkPolicy",
         {"ingress": [{"ports": [{"port": 80}]}]}, {"ingress": [{}]},
         "NetworkPolicy a ingress opens on every port, not only port 80 [security]"),
        ("networking.k8s.io/v1:NetworkPolicy", {"ingress": [{}]},
         {"ingress": [{"from": [{"podSelector": {}, "namespaceSelector": {"matchLabels": {"a": "b"}}}]}]},
         "NetworkPolicy a ingress closes to all but pods of any kind of namespaces a=b [security]"),
    ],
)  # fmt: skip
def test_what_changes_in_other_objects_is_told_with_whom_it_concerns(
    type_: str, before: dict[str, Any], after: dict[str, Any], words: str
) -> None:
    kind = type_.rpartition(":")[2]
    sides = [object_of(kind, "a", spec=side) for side in (before, after)]
    assert f"\n  ~ {words}\n" in told(reviewed(step("update", f"kubernetes:{type_}", "a", *sides)))


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ({"a": 1}, {"a": 1}, {}),
        ({"a": [{"name": "x", "v": 1}, {"name": "y", "v": 1}]},
         {"a": [{"name": "y", "v": 2}, {"name": "x", "v": 1}]},
         {"a[y].v": (1, 2)}),
        ({"a": [{"v": 1}]}, {"a": [{"v": 2}]}, {"a[0].v": (1, 2)}),
        ({"a": ["x", "y"]}, {"a": ["y"]}, {"a": (["x", "y"], ["y"])}),
        ({"a": [{"v": "map-0123456789"}, {"v": 1}]}, {"a": [{"v": "map-abcdefabcd"}, {"v": 1}]},
         {"a[].v": ("map-0123456789", "map-abcdefabcd")}),
        ({}, {"a": {"b": {"c": 1}}}, {"a.b.c": (MISSING, 1)}),
        ({"a": [{"name": "x"}]}, {"a": []}, {"a[x]": ({"name": "x"}, MISSING)}),
    ],
)  # fmt: skip
def test_items_of_lists_are_compared_by_their_names(
    before: Any, after: Any, found: dict[str, tuple[Any, Any]]
) -> None:
    assert {key_of(each.path): (each.before, each.after) for each in between(before, after)} == found


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("a", "`a`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        ("``", "``` `` ```"),
        (" ", "` `"),
        (" a", "`  a `"),
    ],
)
def test_a_value_is_a_code_span_whatever_it_holds(text: str, span: str) -> None:
    assert code(text) == span


def test_a_value_ends_where_it_ends_in_every_format() -> None:
    sentence = f"from {value('a` | @b')} to {value('<i>')}"
    assert plain(sentence) == "from a` | @b to <i>"
    assert markdown(sentence) == "from ``a` | @b`` to `<i>`"


@pytest.mark.parametrize(
    ("noun", "words"),
    [
        ("Policy", "2 Policies"),
        ("Ingress", "2 Ingresses"),
        ("ConfigMap", "2 ConfigMaps"),
        ("Gateway", "2 Gateways"),
    ],
)
def test_kinds_are_counted_in_english(noun: str, words: str) -> None:
    assert counted(2, noun) == words


def test_only_so_many_fields_of_one_resource_are_told() -> None:
    sides = [workload(env=[{"name": f"V{n}", "value": v} for n in range(30)]) for v in "ab"]
    written = told(reviewed(step("update", "kubernetes:apps/v1:Deployment", "service-x", *sides)))
    assert written.count("variable V") == 12
    assert "18 more of its fields change" in written


def test_a_change_that_the_engine_masks_on_both_sides_is_told_without_its_value() -> None:
    masked = workload(env=[{"name": "A", "value": "[secret]"}])
    path = "spec.template.spec.containers[0].env[0].value"
    written = told(
        reviewed(step("update", "kubernetes:apps/v1:Deployment", "d", masked, masked, paths=[path]))
    )
    assert f"{path} changes (hidden)" in written


def test_what_is_only_otherwise_in_the_cluster_is_told_as_such() -> None:
    held = workload()
    written = told(
        reviewed(step("update", "kubernetes:apps/v1:Deployment", "d", held, held, paths=["spec.replicas"]))
    )
    assert "spec.replicas is set again, as it is not what runs" in written


def test_what_no_side_shows_is_told_by_the_engines_reasons() -> None:
    written = told(reviewed(step("update", "kubernetes:apps/v1:Deployment", "d", {}, {}, paths=["spec"])))
    assert "changes in spec" in written
    assert "the preview does not tell" in told(reviewed(step("update", "aws:x:Y", "d", {}, {})))
