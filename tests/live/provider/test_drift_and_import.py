"""Edits by hand, objects that vanished, other managers, import, and deletion."""

from __future__ import annotations

import json
import time

import pulumi
import pulumi_kubernetes as k8s
import pytest

from tests.live.provider.conftest import Declare, World
from tests.live.provider.shapes import RUN, container, pod, workload

pytestmark = [pytest.mark.live, pytest.mark.slow]
PROVIDER = {"enable_config_map_mutable": True}


def nothing(_opts: pulumi.ResourceOptions) -> None:
    """A program that declares no resource."""


def config_map(name: str, value: str, annotations: dict[str, str] | None = None) -> Declare:
    def declare(opts: pulumi.ResourceOptions) -> None:
        metadata = {"name": name, **({"annotations": annotations} if annotations else {})}
        k8s.core.v1.ConfigMap(name, metadata=metadata, data={"a": value}, opts=opts)

    return declare


def test_a_deployment_edited_by_hand_is_seen_by_a_refreshing_preview_and_set_right_by_up(
    world: World,
) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        metadata = {"name": "edited", "annotations": {"pulumi.com/skipAwait": "true"}}
        k8s.apps.v1.Deployment(
            "edited",
            metadata=metadata,
            spec=workload("edited", container(world.image), replicas=0),
            opts=opts,
        )

    world.up(declare)
    patch = [{"op": "replace", "path": "/spec/template/spec/containers/0/command/2", "value": "exit 1"}]
    world.kube("patch", "deployment", "edited", "--type=json", f"--patch={json.dumps(patch)}")
    world.kube("scale", "deployment", "edited", "--replicas=1")
    seen = world.preview(declare, "--refresh")
    assert seen.op("edited") == "update"
    assert {"spec.replicas", "spec.template.spec.containers[0].command[2]"} <= seen.changed("edited")
    righted = world.up(declare, "--refresh")
    assert righted.ok, righted.text
    spec = world.kube.get("deployment", "edited")["spec"]
    assert spec["replicas"] == 0
    assert spec["template"]["spec"]["containers"][0]["command"][2] == RUN


def test_an_untouched_stack_has_no_drift(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        resources = {"requests": {"cpu": "1000m", "memory": "1024Mi"}}
        main = container(world.image, resources=resources, env=[{"name": "A", "value": "1"}])
        k8s.apps.v1.Deployment("calm", spec=workload("calm", main, replicas=0), opts=opts)
        k8s.core.v1.Secret("calm-secret", string_data={"a": "calm-and-quiet"}, opts=opts)
        k8s.core.v1.Service("calm-service", spec={"clusterIP": "None", "ports": [{"port": 80}]}, opts=opts)

    world.up(declare)
    again = world.preview(declare, "--refresh", "--expect-no-changes")
    assert again.ok, again.text


def test_an_object_deleted_by_hand_is_made_again(world: World) -> None:
    world.up(config_map("vanished", "1"))
    world.kube("delete", "configmap", "vanished")
    made = world.up(config_map("vanished", "1"), "--refresh")
    assert made.op("vanished") == "create"
    assert world.kube.get("configmap", "vanished")["data"] == {"a": "1"}


def test_a_secret_edited_by_hand_is_seen_and_set_right(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.core.v1.Secret("key", metadata={"name": "key"}, string_data={"a": "right-value"}, opts=opts)

    world.up(declare)
    patch = {"stringData": {"a": "wrong-value"}}
    world.kube("patch", "secret", "key", f"--patch={json.dumps(patch)}")
    righted = world.up(declare, "--refresh")
    assert righted.ok, righted.text
    assert world.kube.get("secret", "key")["data"] == {"a": "cmlnaHQtdmFsdWU="}


def test_a_field_that_another_manager_holds_is_not_taken_in_silence(world: World) -> None:
    world.up(config_map("shared", "1"))
    theirs = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "shared"},
        "data": {"a": "theirs"},
    }
    flags = ("--server-side", "--force-conflicts", "--field-manager=operator", "--filename=-")
    world.kube("apply", *flags, stdin=json.dumps(theirs))
    refused = world.up(config_map("shared", "2"))
    assert not refused.ok
    assert "operator" in refused.said("shared")
    assert world.kube.get("configmap", "shared")["data"] == {"a": "theirs"}
    forced = world.up(config_map("shared", "2", {"pulumi.com/patchForce": "true"}))
    assert forced.ok, forced.text
    assert world.kube.get("configmap", "shared")["data"] == {"a": "2"}


def test_import_by_namespace_and_name_takes_over_the_very_object(world: World) -> None:
    world.kube("create", "configmap", "grown", "--from-literal=a=1")
    uid = world.kube.get("configmap", "grown")["metadata"]["uid"]

    def declare(opts: pulumi.ResourceOptions) -> None:
        found = pulumi.ResourceOptions(import_=f"{world.namespace}/grown")
        config_map("grown", "1")(pulumi.ResourceOptions.merge(opts, found))

    imported = world.up(declare)
    assert imported.ok, imported.text
    assert imported.op("grown") == "import"
    changed = world.up(config_map("grown", "2"))
    assert changed.op("grown") == "update"
    live = world.kube.get("configmap", "grown")
    assert (live["metadata"]["uid"], live["data"]) == (uid, {"a": "2"})


def test_import_by_name_where_a_kind_has_no_namespace(world: World) -> None:
    name = f"{world.namespace}-reader"
    world.kube("create", "clusterrole", name, "--verb=get", "--resource=pods")

    def declare(opts: pulumi.ResourceOptions) -> None:
        k8s.rbac.v1.ClusterRole(
            "reader",
            metadata={"name": name},
            rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
            opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(import_=name)),
        )

    imported = world.up(declare)
    assert imported.ok, imported.text
    assert world.engine.recorded("reader")["id"] == name
    assert world.up(nothing).op("reader") == "delete"
    assert not world.kube.get("clusterrole", name)


def test_deletion_waits_until_the_object_is_gone(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        slow = container(world.image, "trap 'sleep 2; exit' TERM; while :; do sleep 1 & wait; done")
        spec = pod(slow, terminationGracePeriodSeconds=10)
        k8s.core.v1.Pod("slow", metadata={"name": "slow"}, spec=spec, opts=opts)

    assert world.up(declare).ok
    removed = world.up(nothing)
    assert removed.op("slow") == "delete"
    assert not world.kube.get("pod", "slow")


def test_deleting_what_is_gone_already_is_no_error(world: World) -> None:
    world.up(config_map("gone", "1"))
    world.kube("delete", "configmap", "gone")
    assert world.up(nothing).ok


def test_a_finalizer_that_holds_an_object_is_named_when_time_runs_out(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        short = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(delete="4s"))
        metadata = {"name": "held", "finalizers": ["conformance.example/hold"]}
        merged = pulumi.ResourceOptions.merge(opts, short)
        k8s.core.v1.ConfigMap("held", metadata=metadata, data={"a": "1"}, opts=merged)

    world.up(declare)
    begun = time.monotonic()
    stuck = world.up(nothing)
    assert not stuck.ok
    assert time.monotonic() - begun < 60
    assert world.engine.recorded("held"), "what could not be deleted must stay in the state"
    world.kube(
        "patch", "configmap", "held", "--type=json", '--patch=[{"op":"remove","path":"/metadata/finalizers"}]'
    )
    assert world.up(nothing).ok
    assert not world.engine.recorded("held")
