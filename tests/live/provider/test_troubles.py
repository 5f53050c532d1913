"""Workloads that cannot become ready: each is reported with its reason, recorded, mended by the next up."""

from __future__ import annotations

import json
import re
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from tests.live.provider.conftest import Declare, Kube, World
from tests.live.provider.engine import Outcome
from tests.live.provider.shapes import container, template, workload

pytestmark = [pytest.mark.live, pytest.mark.slow]
PROVIDER = {"enable_secret_mutable": True}
LIMIT = "75s"  # another plugin may only speak when the time is over
CERTAIN_SECONDS = 45.0
PASSWORD = "5up3r-s3cret-of-the-crash"
NO_SUCH_IMAGE = "localhost/slipway/no-such-image:1"
MISSING_KEY = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "absent", "key": "a"}}}
PASSED_ON = {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "crash", "key": "password"}}}
CRASH = 'echo "starting up"; echo "cannot log in with $PASSWORD"; exit 7'


def troubled(image: str) -> dict[str, dict[str, Any]]:
    """The containers that cannot become ready, by the name of their Deployment."""
    return {
        "pull": container(NO_SUCH_IMAGE),
        "never": container(NO_SUCH_IMAGE, imagePullPolicy="Never"),
        "crash": container(image, CRASH, env=[PASSED_ON]),
        "unset": container(image, env=[MISSING_KEY]),
        "huge": container(image, resources={"requests": {"cpu": "999"}}),
        "unready": container(image, readinessProbe={"exec": {"command": ["false"]}, "periodSeconds": 1}),
    }


def declared(world: World) -> Declare:
    def declare(opts: pulumi.ResourceOptions) -> None:
        limit = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create=LIMIT, update=LIMIT))
        limited = pulumi.ResourceOptions.merge(opts, limit)
        secret = k8s.core.v1.Secret(
            "crash-secret", metadata={"name": "crash"}, string_data={"password": PASSWORD}, opts=opts
        )
        after = pulumi.ResourceOptions.merge(limited, pulumi.ResourceOptions(depends_on=[secret]))
        for name, main in troubled(world.image).items():
            deadline = 15 if name == "unready" else 60
            spec = workload(name, main, replicas=1, progressDeadlineSeconds=deadline)
            k8s.apps.v1.Deployment(name, metadata={"name": name}, spec=spec, opts=after)
        failing = template(
            "task", container(world.image, "echo 'no such table'; exit 3"), restartPolicy="Never"
        )
        k8s.batch.v1.Job(
            "task", metadata={"name": "task"}, spec={"template": failing, "backoffLimit": 0}, opts=limited
        )
        for name in ("strict", "full"):
            place = {"name": name, "namespace": f"{world.namespace}-{name}"}
            spec = workload(name, container(world.image), replicas=1)
            k8s.apps.v1.Deployment(name, metadata=place, spec=spec, opts=limited)

    return declare


@pytest.fixture(scope="module")
def spaces(world: World) -> Any:
    """A namespace that enforces the restricted profile, and one whose quota allows no pod."""
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"pods": "0"}},
    }
    for name in ("strict", "full"):
        world.kube("create", "namespace", f"{world.namespace}-{name}")
    world.kube(
        "label", "namespace", f"{world.namespace}-strict", "pod-security.kubernetes.io/enforce=restricted"
    )
    Kube(world.kube.kubeconfig, f"{world.namespace}-full")("apply", "--filename=-", stdin=json.dumps(quota))
    yield
    for name in ("strict", "full"):
        world.kube("delete", "namespace", f"{world.namespace}-{name}", "--wait=false")


@pytest.fixture(scope="module")
def failed(world: World, spaces: Any) -> Outcome:
    """One up of them all: the engine goes on with the others when one fails."""
    outcome = world.up(declared(world), "--continue-on-error")
    assert not outcome.ok
    return outcome


REASONS = {
    "pull": r"ErrImagePull|ImagePullBackOff",
    "never": r"ErrImageNeverPull",
    "crash": r"(?s)exit code 7|CrashLoopBackOff",
    "unset": r'CreateContainerConfigError|secret "absent" not found',
    "huge": r"Insufficient cpu",
    "unready": r"Readiness probe failed|has timed out progressing",
    "task": r"BackoffLimitExceeded|backoff limit",
    "strict": r"violates PodSecurity",
    "full": r"exceeded quota",
}


@pytest.mark.parametrize("name", REASONS)
def test_the_reason_why_it_is_not_ready_is_reported(name: str, failed: Outcome) -> None:
    assert failed.failed(name)
    assert re.search(REASONS[name], failed.said(name)), failed.said(name)


@pytest.mark.parametrize(("name", "line"), [("crash", "starting up"), ("task", "no such table")])
def test_the_last_lines_of_what_crashed_are_reported(
    name: str, line: str, failed: Outcome, ours_alone: None
) -> None:
    assert line in failed.said(name)


def test_a_secret_that_a_crashing_pod_printed_is_masked(failed: Outcome) -> None:
    assert PASSWORD not in failed.text
    assert PASSWORD not in json.dumps(failed.events)


def test_every_reason_is_reported_as_soon_as_it_is_certain(failed: Outcome, ours_alone: None) -> None:
    assert failed.seconds < CERTAIN_SECONDS


def test_what_did_not_become_ready_is_recorded(failed: Outcome, world: World) -> None:
    recorded = world.engine.recorded("pull")
    assert recorded["id"] == f"{world.namespace}/pull"
    assert recorded["initErrors"]


def test_the_next_up_goes_on_with_what_was_recorded_and_mends_it(failed: Outcome, world: World) -> None:
    uid = world.kube.get("deployment", "pull")["metadata"]["uid"]

    def declare(opts: pulumi.ResourceOptions) -> None:
        spec = workload("pull", container(world.image), replicas=1, progressDeadlineSeconds=15)
        k8s.apps.v1.Deployment("pull", metadata={"name": "pull"}, spec=spec, opts=opts)

    mended = world.up(declare)
    assert mended.ok, mended.text
    assert mended.op("pull") == "update"
    live = world.kube.get("deployment", "pull")
    assert (live["metadata"]["uid"], live["status"]["availableReplicas"]) == (uid, 1)
