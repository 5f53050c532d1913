"""Names, previews, updates and replacements, on objects that need no pod."""

from __future__ import annotations

import re
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from tests.live.provider.conftest import Declare, World
from tests.live.provider.shapes import container, workload

pytestmark = [pytest.mark.live, pytest.mark.slow]
PROVIDER = {"enable_config_map_mutable": True}


def config_map(name: str, *, named: bool = True, **more: Any) -> Declare:
    def declare(opts: pulumi.ResourceOptions) -> None:
        metadata = {**({"name": name} if named else {}), **more.pop("metadata", {})}
        k8s.core.v1.ConfigMap(name, metadata=metadata, opts=opts, **more)

    return declare


def role_binding(role: str) -> Declare:
    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.rbac.v1.RoleBinding(
            "binding",
            metadata={"name": "binding"},
            role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role},
            subjects=[{"kind": "User", "name": "nobody"}],
            opts=opts,
        )

    return declare


def test_an_unnamed_object_is_named_after_its_resource_and_keeps_that_name(world: World) -> None:
    first = world.up(config_map("first", named=False, data={"a": "1"}))
    name = first.new("first")["metadata"]["name"]
    assert re.fullmatch(r"first-[0-9a-f]{8}", name)
    second = world.up(config_map("first", named=False, data={"a": "2"}))
    assert second.op("first") == "update"
    assert world.kube.get("configmap", name)["data"] == {"a": "2"}


def test_nothing_is_planned_for_an_unchanged_program(world: World) -> None:
    world.up(config_map("still", data={"a": "1"}))
    again = world.preview(config_map("still", data={"a": "1"}), "--expect-no-changes")
    assert again.ok, again.text
    assert again.op("still") == "same"


def test_a_change_is_shown_by_its_path_and_made_in_place(world: World) -> None:
    world.up(
        config_map(
            "change", data={"a": "1", "b.c": "x"}, metadata={"labels": {"app.kubernetes.io/name": "a"}}
        )
    )
    uid = world.kube.get("configmap", "change")["metadata"]["uid"]
    changed = config_map(
        "change", data={"b.c": "y", "d": "new"}, metadata={"labels": {"app.kubernetes.io/name": "b"}}
    )
    paths = {"data.a", 'data["b.c"]', "data.d", 'metadata.labels["app.kubernetes.io/name"]'}
    foretold = world.preview(changed)
    assert (foretold.op("change"), foretold.changed("change")) == ("update", paths)
    assert world.kube.get("configmap", "change")["data"] == {"a": "1", "b.c": "x"}
    assert world.up(changed).ok
    live = world.kube.get("configmap", "change")
    assert live["data"] == {"b.c": "y", "d": "new"}
    assert live["metadata"]["uid"] == uid


def test_another_name_makes_another_object_before_the_old_one_goes(world: World) -> None:
    world.up(config_map("moved", data={"a": "1"}))
    renamed = world.up(config_map("moved", data={"a": "1"}, metadata={"name": "moved-on"}))
    assert renamed.op("moved") == "replace"
    steps = renamed.order("moved")
    assert steps.index("create-replacement") < steps.index("delete-replaced")
    assert not world.kube.get("configmap", "moved")
    assert world.kube.get("configmap", "moved-on")


def test_an_immutable_field_of_a_named_object_deletes_it_before_it_is_made_anew(world: World) -> None:
    world.up(role_binding("view"))
    uid = world.kube.get("rolebinding", "binding")["metadata"]["uid"]
    replaced = world.up(role_binding("edit"))
    assert replaced.ok, replaced.text
    steps = replaced.order("binding")
    assert steps.index("delete-replaced") < steps.index("create-replacement")
    live = world.kube.get("rolebinding", "binding")
    assert live["roleRef"]["name"] == "edit"
    assert live["metadata"]["uid"] != uid


def test_an_immutable_config_map_is_replaced_when_its_data_change(world: World) -> None:
    world.up(config_map("fixed", immutable=True, data={"a": "1"}))
    foretold = world.preview(config_map("fixed", immutable=True, data={"a": "2"}))
    assert foretold.op("fixed") == "replace"


def test_a_secret_is_replaced_when_its_data_change(world: World) -> None:
    def secret(value: str) -> Declare:
        return lambda opts: k8s.core.v1.Secret("token", string_data={"token": value}, opts=opts) and None

    name = world.up(secret("first-value")).new("token")["metadata"]["name"]
    replaced = world.up(secret("second-value"))
    assert replaced.op("token") == "replace"
    assert replaced.new("token")["metadata"]["name"] != name


def test_the_selector_of_a_deployment_cannot_change_in_place(world: World) -> None:
    def deployment(app: str) -> Declare:
        def declare(opts: pulumi.ResourceOptions) -> None:
            spec = workload(app, container(world.image), replicas=0)
            k8s.apps.v1.Deployment("selected", metadata={"name": "selected"}, spec=spec, opts=opts)

        return declare

    world.up(deployment("one"))
    foretold = world.preview(deployment("two"))
    assert foretold.op("selected") == "replace"
    assert "spec.selector.matchLabels.app" in foretold.changed("selected")


def test_a_preview_asks_the_api_server_what_the_object_will_be(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.apps.v1.Deployment("dry", spec=workload("dry", container(world.image), replicas=0), opts=opts)

    foretold = world.preview(declare)
    assert foretold.new("dry")["spec"]["revisionHistoryLimit"] == 10  # the API server's default
    assert "dry" not in world.kube("get", "deployments", "--output=name")


def test_a_preview_refuses_what_the_api_server_would_refuse(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.apps.v1.Deployment(
            "wrong", spec=workload("wrong", container(world.image), replicas=-1), opts=opts
        )

    foretold = world.preview(declare)
    assert not foretold.ok
    assert "spec.replicas" in foretold.said("wrong")


def test_a_value_of_another_resource_is_unknown_in_the_preview_and_right_after_up(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        source = k8s.core.v1.ConfigMap("source", data={"a": "1"}, opts=opts)
        target = {"uid": source.metadata["uid"]}
        k8s.core.v1.ConfigMap("target", metadata={"name": "target"}, data=target, opts=opts)

    assert world.preview(declare).ok
    made = world.up(declare)
    assert made.ok, made.text
    assert world.kube.get("configmap", "target")["data"]["uid"] == made.new("source")["metadata"]["uid"]


def test_an_object_that_someone_else_made_is_refused_and_left_alone(world: World) -> None:
    world.kube("create", "configmap", "theirs", "--from-literal=a=theirs")
    refused = world.up(config_map("theirs", data={"a": "ours"}))
    assert not refused.ok
    assert "already exists" in refused.said("theirs")
    assert world.kube.get("configmap", "theirs")["data"] == {"a": "theirs"}


def test_an_ignored_field_stays_as_it_is_in_the_cluster(world: World) -> None:
    def deployment(replicas: int, ignored: list[str]) -> Declare:
        def declare(opts: pulumi.ResourceOptions) -> None:
            keep = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(ignore_changes=ignored))
            spec = workload("scaled", container(world.image), replicas=replicas, minReadySeconds=replicas)
            metadata = {"name": "scaled", "annotations": {"pulumi.com/skipAwait": "true"}}
            k8s.apps.v1.Deployment("scaled", metadata=metadata, spec=spec, opts=keep)

        return declare

    world.up(deployment(0, []))
    changed = world.up(deployment(3, ["spec.replicas"]))
    assert changed.changed("scaled") == {"spec.minReadySeconds"}
    live = world.kube.get("deployment", "scaled")["spec"]
    assert (live["replicas"], live["minReadySeconds"]) == (0, 3)


def test_a_kind_that_the_cluster_does_not_know_is_named(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.apiextensions.CustomResource("odd", api_version="nowhere.example/v1", kind="Oddity", opts=opts)

    refused = world.up(declare)
    assert not refused.ok
    assert "Oddity" in refused.said("odd")
    assert "nowhere.example/v1" in refused.said("odd")
