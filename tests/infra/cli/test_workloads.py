"""What `slipway status` says about objects as Kubernetes returns them."""

from __future__ import annotations

from typing import Any

import pytest

from infra import workloads

LABELS = {"app.kubernetes.io/name": "service"}


def deployment(ready: int = 2) -> dict[str, Any]:
    template = {
        "metadata": {"labels": {**LABELS, "app.kubernetes.io/version": "1a2b"}},
        "spec": {"containers": [{"name": "service", "image": "registry/service:1a2b"}]},
    }
    return {
        "kind": "Deployment",
        "metadata": {"name": "service"},
        "spec": {"replicas": 2, "selector": {"matchLabels": LABELS}, "template": template},
        "status": {"readyReplicas": ready},
    }


def pod(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    status = {"name": "service", "image": "registry/service:1a2b", "state": state, "restartCount": 1, **more}
    return {
        "kind": "Pod",
        "metadata": {"name": "service-x", "labels": LABELS},
        "status": {"phase": "Pending", "containerStatuses": [status]},
    }


def test_a_workload_tells_its_version_its_replicas_and_since_when_it_runs() -> None:
    running = pod({"running": {"startedAt": "2026-11-21T03:00:00Z"}}, ready=True)
    [found] = workloads.workloads([deployment(), running])
    assert (found.version, found.ready, found.wanted, found.restarts) == ("1a2b", 2, 2, 1)
    assert found.since == "2026-11-21T03:00:00Z"


@pytest.mark.parametrize(
    ("state", "more", "words"),
    [
        (
            {"waiting": {"reason": "ImagePullBackOff"}},
            {},
            "Pod service-x: image registry/service:1a2b cannot be pulled (ImagePullBackOff)",
        ),
        (
            {"waiting": {"reason": "CrashLoopBackOff"}},
            {"lastState": {"terminated": {"exitCode": 3}}},
            "Pod service-x: container service keeps ending with exit code 3",
        ),
        (
            {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "s" not found'}},
            {},
            'Pod service-x: container service cannot start: CreateContainerConfigError secret "s" not found',
        ),
        (
            {"running": {"startedAt": "t"}},
            {"ready": False, "started": True},
            "Pod service-x: container service runs but its readiness probe fails",
        ),
    ],
)
def test_a_pod_that_is_not_ready_is_told_in_words(
    state: dict[str, Any], more: dict[str, Any], words: str
) -> None:
    assert workloads.troubles([pod(state, **more)]) == [words]


def test_a_pod_that_no_node_can_take_is_told_in_the_schedulers_words() -> None:
    pending = pod({"waiting": {"reason": "ContainerCreating"}})
    condition = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes: Insufficient memory."}
    pending["status"]["conditions"] = [condition]
    assert workloads.troubles([pending]) == [
        "Pod service-x: no node can take it: 0/1 nodes: Insufficient memory."
    ]


def test_missing_replicas_are_counted() -> None:
    assert workloads.troubles([deployment(ready=1)]) == ["Deployment service: 1 of 2 replicas are ready"]


def test_a_pod_that_is_being_deleted_is_no_trouble() -> None:
    going = pod({"waiting": {"reason": "CrashLoopBackOff"}})
    going["metadata"]["deletionTimestamp"] = "2026-11-21T03:00:00Z"
    assert workloads.troubles([going]) == []


def test_a_failed_job_is_told_with_its_message() -> None:
    conditions = [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]
    job = {"kind": "Job", "metadata": {"name": "migrate"}, "status": {"conditions": conditions}}
    assert workloads.troubles([job]) == ["Job migrate: failed: BackoffLimitExceeded"]


def test_a_job_that_was_started_by_hand_told_its_failure_to_who_started_it() -> None:
    conditions = [{"type": "Failed", "status": "True", "message": "BackoffLimitExceeded"}]
    metadata = {"name": "backup-restore-1", "annotations": {"cronjob.kubernetes.io/instantiate": "manual"}}
    job = {"kind": "Job", "metadata": metadata, "status": {"conditions": conditions}}
    assert workloads.troubles([job]) == []


def test_of_a_daemon_set_every_node_counts() -> None:
    nodes = {**deployment(), "kind": "DaemonSet", "status": {"numberReady": 1, "desiredNumberScheduled": 3}}
    nodes["spec"].pop("replicas")
    [found] = workloads.workloads([nodes])
    assert (found.kind, found.ready, found.wanted) == ("DaemonSet", 1, 3)
    assert workloads.troubles([nodes]) == ["DaemonSet service: 1 of 3 replicas are ready"]
