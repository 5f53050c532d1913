"""What counts as a change, as a replacement, as drift; names and managers."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import checkpoint, diff, naming
from infra.sandbox.providers.kubernetes.immutable import refused_paths, replaced_paths
from infra.sandbox.providers.kubernetes.ownership import without_foreign
from infra.sandbox.providers.kubernetes.rest import ApiError, Cause
from infra.sandbox.providers.shared.paths import parse, render
from infra.sandbox.providers.shared.values import UNKNOWN

pytestmark = pytest.mark.unit


def obj(kind: str = "ConfigMap", api_version: str = "v1", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, **more}


def test_added_removed_and_changed_members_are_told_apart() -> None:
    changes = diff.compare(obj(data={"a": "1", "b": "1"}), obj(data={"b": "2", "c": "1"}), [])
    assert [sorted(map(render, kind)) for kind in (changes.added, changes.deleted, changes.updated)] == [
        ["data.c"],
        ["data.a"],
        ["data.b"],
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (obj(data={}), obj()),
        (obj(metadata={"name": "a", "namespace": "default"}), obj()),
        (obj("HorizontalPodAutoscaler", "autoscaling/v1"), obj("HorizontalPodAutoscaler", "autoscaling/v2")),
        (obj(metadata={"name": "a", "uid": "1", "resourceVersion": "2"}), obj()),
    ],
)
def test_different_ways_to_write_the_same_are_no_change(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert not diff.compare(old, new, []).all()


def test_an_ignored_path_hides_what_is_below_it() -> None:
    changes = diff.compare(obj(data={"a": "1", "b": "1"}), obj(data={"a": "2", "b": "2"}), ["data.a"])
    assert changes.all() == {("data", "b")}


def test_an_unknown_value_is_a_change() -> None:
    assert diff.compare(obj(data={"a": "1"}), obj(data={"a": UNKNOWN}), []).updated == {("data", "a")}


@pytest.mark.parametrize(
    ("thing", "path", "replaced"),
    [
        (obj(), "metadata.namespace", True),
        (obj("Deployment", "apps/v1"), "spec.selector.matchLabels.app", True),
        (obj("Deployment", "apps/v1"), "spec.template.spec.containers[0].image", False),
        (obj("StatefulSet", "apps/v1"), "spec.volumeClaimTemplates[0].spec.storageClassName", True),
        (obj("StatefulSet", "apps/v1"), "spec.replicas", False),
        (obj("Job", "batch/v1"), "spec.template.spec.containers[0].image", True),
        (obj("Service"), "spec.clusterIP", True),
        (obj("Service"), "spec.ports[0].port", False),
        (obj("PersistentVolumeClaim"), "spec.resources.requests.storage", False),
        (obj("PersistentVolumeClaim"), "spec.storageClassName", True),
        (obj("RoleBinding", "rbac.authorization.k8s.io/v1"), "roleRef.name", True),
        (obj("Pod"), "spec.containers[0].image", True),
        (obj("ConfigMap"), "data.a", True),
        (obj("Secret"), "stringData.a", True),
        (obj("ConfigMap"), "metadata.labels.a", False),
    ],
)
def test_a_change_of_this_path_needs_a_new_object(thing: dict[str, Any], path: str, replaced: bool) -> None:
    assert bool(replaced_paths([parse(path)], thing, mutable_data=frozenset())) is replaced


def test_data_that_may_change_in_place_still_cannot_in_an_immutable_object() -> None:
    mutable = frozenset({"ConfigMap"})
    assert not replaced_paths([("data", "a")], obj(), mutable_data=mutable)
    assert replaced_paths([("data", "a")], obj(immutable=True), mutable_data=mutable)


def test_the_api_servers_word_on_immutable_fields_is_heard() -> None:
    cause = Cause(
        "spec",
        "Forbidden: updates to statefulset spec for fields other than 'replicas' …",
        "FieldValueForbidden",
    )
    error = ApiError(422, "Invalid", "…", (cause,))
    changed = [("spec", "replicas"), ("spec", "volumeClaimTemplates", 0), ("metadata", "labels", "a")]
    assert refused_paths(changed, error) == {("spec", "volumeClaimTemplates", 0)}
    assert not refused_paths(changed, ApiError(422, "Invalid", "…", (Cause("spec", "must be positive", ""),)))


def test_drift_is_only_what_changed_since_it_was_applied() -> None:
    inputs = {"cpu": "1000m", "replicas": 2, "label": "a", "gone": "x"}
    before = {"cpu": "1", "replicas": 2, "label": "a", "gone": "x", "default": 1}
    now = {"cpu": "1", "replicas": 5, "label": "a", "default": 2}
    assert checkpoint.drifted(inputs, before, now) == {"cpu": "1000m", "replicas": 5, "label": "a"}


def test_items_of_a_list_are_followed_by_their_key_past_injected_ones() -> None:
    inputs = [{"name": "main", "image": "a:1"}]
    before = [{"name": "main", "image": "a:1", "pull": "IfNotPresent"}]
    now = [{"name": "sidecar", "image": "x"}, {"name": "main", "image": "a:2", "pull": "IfNotPresent"}]
    assert checkpoint.drifted(inputs, before, now) == [{"name": "main", "image": "a:2"}]
    assert checkpoint.drifted(["run"], ["run"], ["run", "-x"]) == ["run", "-x"]


def options(mode: int = naming.PROPOSE, proposed: str = "") -> Any:
    return SimpleNamespace(mode=mode, proposed_name=proposed)


def test_a_name_follows_from_the_engines_seed() -> None:
    bare = {"apiVersion": "v1", "kind": "Pod"}
    one, two = (naming.named(bare, {}, "web", seed, None)["metadata"]["name"] for seed in (b"1", b"2"))
    assert one == naming.named(bare, {}, "web", b"1", None)["metadata"]["name"]
    assert one != two
    assert (
        naming.named(bare, naming.named(bare, {}, "web", b"1", None), "web", b"2", None)["metadata"]["name"]
        == one
    )


def test_the_users_way_of_naming_is_heeded() -> None:
    bare = {"apiVersion": "v1", "kind": "Pod"}
    assert naming.named(bare, {}, "web", b"", options(proposed="web-x"))["metadata"]["name"] == "web-x"
    with pytest.raises(UserError, match=r"give it a metadata\.name"):
        naming.named(bare, {}, "web", b"", options(naming.DISABLE))


def test_a_manager_is_the_same_in_every_run_and_another_for_every_resource() -> None:
    assert naming.field_manager("urn:a", {}, {}) == naming.field_manager("urn:a", {}, {})
    assert naming.field_manager("urn:a", {}, {}) != naming.field_manager("urn:b", {}, {})
    assert naming.field_manager("urn:a", {}, {"__fieldManager": "old"}) == "old"


def test_an_ignored_field_is_left_to_its_manager_and_kept_if_it_is_ours() -> None:
    entries = [
        {"manager": "us", "fieldsV1": {"f:spec": {"f:paused": {}}}},
        {"manager": "autoscaler", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
    ]
    live = {"metadata": {"managedFields": entries}, "spec": {"replicas": 7, "paused": True}}
    inputs = {"spec": {"replicas": 1, "paused": False, "other": 1}}
    sent = without_foreign(inputs, live, "us", ["spec.replicas", "spec.paused"])
    assert sent == {"spec": {"paused": True, "other": 1}}
    assert inputs["spec"]["replicas"] == 1
