"""What is waited for before a resource counts as made, and what is not."""

from __future__ import annotations

import time

import pulumi
import pulumi_kubernetes as k8s
import pytest

from tests.live.provider.conftest import Declare, Kube, World
from tests.live.provider.engine import Outcome
from tests.live.provider.shapes import RUN, container, pod, template, workload

pytestmark = [pytest.mark.live, pytest.mark.slow]
PROVIDER = {"enable_config_map_mutable": True}
READY_AFTER_2 = {
    "exec": {"command": ["bash", "-c", "[ $SECONDS -ge 0 ] && [ -e /tmp/up ]"]},
    "periodSeconds": 1,
}
SLOW_START = f"sleep 2; touch /tmp/up; {RUN}"


def healthy(world: World) -> Declare:
    """One resource of each kind that is waited for, all of which become ready."""
    slow = container(world.image, SLOW_START, readinessProbe=READY_AFTER_2)
    plain = container(world.image)

    def declare(opts: pulumi.ResourceOptions) -> None:
        named = {
            kind: {"name": kind}
            for kind in ("deployment", "set", "job", "service", "headless", "claim", "pod")
        }
        core, apps = k8s.core.v1, k8s.apps.v1
        apps.Deployment(
            "deployment", metadata=named["deployment"], spec=workload("web", slow, replicas=2), opts=opts
        )
        apps.StatefulSet(
            "set", metadata=named["set"], opts=opts,
            spec=workload("set", plain, replicas=1, serviceName="headless"),
        )  # fmt: skip
        task = template("task", container(world.image, "sleep 2; echo done"), restartPolicy="Never")
        k8s.batch.v1.Job("job", metadata=named["job"], spec={"template": task, "backoffLimit": 0}, opts=opts)
        ports = [{"port": 80}]
        core.Service(
            "service", metadata=named["service"], spec={"selector": {"app": "web"}, "ports": ports}, opts=opts
        )
        headless = {"selector": {"app": "nobody"}, "ports": ports, "clusterIP": "None"}
        core.Service("headless", metadata=named["headless"], spec=headless, opts=opts)
        claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}}
        core.PersistentVolumeClaim("claim", metadata=named["claim"], spec=claim, opts=opts)
        core.Pod("pod", metadata=named["pod"], spec=pod(plain), opts=opts)
        _own_namespace(world, opts)
        _own_kind(world, opts)

    return declare


def _own_namespace(world: World, opts: pulumi.ResourceOptions) -> None:
    space = k8s.core.v1.Namespace("space", metadata={"name": f"{world.namespace}-own"}, opts=opts)
    inside = {"name": "inside", "namespace": space.metadata["name"]}
    k8s.core.v1.ConfigMap("inside", metadata=inside, data={"a": "1"}, opts=opts)


def _own_kind(world: World, opts: pulumi.ResourceOptions) -> None:
    group = f"{world.namespace}.example"
    schema = {"type": "object", "x_kubernetes_preserve_unknown_fields": True}
    definition = k8s.apiextensions.v1.CustomResourceDefinition(
        "kind",
        metadata={"name": f"trials.{group}"},
        spec={
            "group": group, "scope": "Namespaced", "names": {"plural": "trials", "kind": "Trial"},
            "versions": [
                {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
            ],
        },
        opts=opts,
    )  # fmt: skip
    after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[definition]))
    k8s.apiextensions.CustomResource(
        "trial",
        api_version=f"{group}/v1",
        kind="Trial",
        metadata={"name": "trial"},
        spec={"a": 1},
        opts=after,
    )


@pytest.fixture(scope="module")
def foretold(world: World) -> Outcome:
    return world.preview(healthy(world))


@pytest.fixture(scope="module")
def made(world: World, foretold: Outcome) -> Outcome:
    outcome = world.up(healthy(world))
    assert outcome.ok, outcome.text
    return outcome


def test_a_preview_of_everything_at_once_is_content(foretold: Outcome) -> None:
    assert foretold.ok, foretold.text


def test_a_deployment_is_made_when_all_its_replicas_are_available(made: Outcome) -> None:
    assert made.new("deployment")["status"]["availableReplicas"] == 2


def test_a_stateful_set_is_made_when_its_replicas_are_ready(made: Outcome) -> None:
    assert made.new("set")["status"]["readyReplicas"] == 1


def test_a_job_is_made_when_it_has_completed(made: Outcome) -> None:
    assert made.new("job")["status"]["succeeded"] == 1


def test_a_pod_is_made_when_it_is_ready(made: Outcome) -> None:
    conditions = {c["type"]: c["status"] for c in made.new("pod")["status"]["conditions"]}
    assert conditions["Ready"] == "True"


def test_a_service_is_made_when_a_pod_can_take_its_requests(made: Outcome, world: World) -> None:
    slices = world.kube("get", "endpointslices", "-l", "kubernetes.io/service-name=service", "--output=yaml")
    assert "ready: true" in slices
    assert made.new("service")["spec"]["clusterIP"].count(".") == 3


def test_a_headless_service_waits_for_nobody(made: Outcome, world: World) -> None:
    assert world.kube.get("service", "headless")["spec"]["clusterIP"] == "None"


def test_a_claim_that_binds_to_its_first_pod_waits_for_nobody(made: Outcome) -> None:
    assert made.new("claim")["status"]["phase"] == "Pending"


def test_a_namespace_and_what_is_in_it_are_made_in_one_go(made: Outcome, world: World) -> None:
    inside = Kube(world.kube.kubeconfig, f"{world.namespace}-own")
    assert inside.get("configmap", "inside")["data"] == {"a": "1"}


def test_a_new_kind_and_an_object_of_it_are_made_in_one_go(made: Outcome, world: World) -> None:
    assert world.kube.get(f"trials.{world.namespace}.example", "trial")["spec"] == {"a": 1}


def test_nothing_is_planned_for_it_afterwards(made: Outcome, world: World) -> None:
    again = world.preview(healthy(world), "--refresh", "--expect-no-changes")
    assert again.ok, again.text


def test_a_resource_that_is_not_to_be_waited_for_is_made_at_once(world: World) -> None:
    def declare(opts: pulumi.ResourceOptions) -> None:
        healthy(world)(opts)
        metadata = {"name": "later", "annotations": {"pulumi.com/skipAwait": "true"}}
        never = container(world.image, readinessProbe={"exec": {"command": ["false"]}})
        k8s.apps.v1.Deployment(
            "later", metadata=metadata, spec=workload("later", never, replicas=1), opts=opts
        )

    begun = time.monotonic()
    outcome = world.up(declare)
    assert outcome.ok, outcome.text
    assert time.monotonic() - begun < 30
    assert not world.kube.get("deployment", "later")["status"].get("readyReplicas")
