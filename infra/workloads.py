"""What Kubernetes objects say, in words: which version runs since when, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]
CONTROLLERS = ("Deployment", "StatefulSet", "DaemonSet")
IMAGE_REASONS = {"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"}
BY_HAND = {"cronjob.kubernetes.io/instantiate": "manual"}  # as ``kubectl create job --from`` notes it


@dataclass(frozen=True)
class Workload:
    """One of CONTROLLERS. ``since`` is when its newest ready pod started (RFC 3339), or None."""

    kind: str
    name: str
    image: str
    version: str
    ready: int
    wanted: int
    restarts: int
    since: str | None


def workloads(objects: Iterable[Object]) -> list[Workload]:
    """Every controller among ``objects`` (a mixed list with its pods), in the order given."""
    listed = list(objects)
    pods = [item for item in listed if item["kind"] == "Pod"]
    return [_workload(item, _owned(item, pods)) for item in listed if item["kind"] in CONTROLLERS]


def _owned(controller: Object, pods: list[Object]) -> list[Object]:
    wanted = controller["spec"]["selector"]["matchLabels"].items()
    return [pod for pod in pods if wanted <= pod["metadata"].get("labels", {}).items()]


def _workload(item: Object, pods: list[Object]) -> Workload:
    containers = item["spec"]["template"]["spec"]["containers"]
    labels = item["spec"]["template"]["metadata"].get("labels", {})
    statuses = [status for pod in pods for status in pod["status"].get("containerStatuses", [])]
    starts = [
        s["state"]["running"]["startedAt"] for s in statuses if s.get("ready") and "running" in s["state"]
    ]
    ready, wanted = _counts(item)
    return Workload(
        kind=item["kind"],
        name=item["metadata"]["name"],
        image=containers[0]["image"],
        version=labels.get("app.kubernetes.io/version", containers[0]["image"].rpartition(":")[2]),
        ready=ready,
        wanted=wanted,
        restarts=sum(status.get("restartCount", 0) for status in statuses),
        since=max(starts, default=None),
    )


def _counts(item: Object) -> tuple[int, int]:
    """Ready and wanted pods; of a DaemonSet, one on each node that it is for."""
    status = item["status"]
    if item["kind"] == "DaemonSet":
        return status.get("numberReady", 0), status.get("desiredNumberScheduled", 0)
    return status.get("readyReplicas", 0), item["spec"].get("replicas", 1)


def troubles(objects: Iterable[Object]) -> list[str]:
    """What is wrong with the pods, jobs and controllers among ``objects``: one sentence each, name first."""
    listed = list(objects)
    words = [text for item in listed for text in _troubles_of(item)]
    for workload in workloads(listed):
        if workload.ready < workload.wanted:
            words.append(
                f"{workload.kind} {workload.name}: {workload.ready} of {workload.wanted} replicas are ready"
            )
    return words


def _troubles_of(item: Object) -> list[str]:
    if item["kind"] == "Pod":
        return pod_troubles(item)
    if item["kind"] == "Job":
        if BY_HAND.items() <= item["metadata"].get("annotations", {}).items():
            return []  # whoever started it was told; the stack is none the worse
        failed = [
            c for c in item["status"].get("conditions", []) if c["type"] == "Failed" and c["status"] == "True"
        ]
        return [f"Job {item['metadata']['name']}: failed: {c.get('message', '')}" for c in failed]
    return []


def pod_troubles(pod: Object) -> list[str]:
    """Why a pod is not ready, as far as its own status tells."""
    name = f"Pod {pod['metadata']['name']}"
    if pod["metadata"].get("deletionTimestamp") or pod["status"].get("phase") == "Succeeded":
        return []
    words = [
        f"{name}: no node can take it: {condition.get('message', '')}"
        for condition in pod["status"].get("conditions", [])
        if condition["type"] == "PodScheduled" and condition["status"] == "False"
    ]
    for status in [
        *pod["status"].get("initContainerStatuses", []),
        *pod["status"].get("containerStatuses", []),
    ]:
        words.extend(f"{name}: {text}" for text in _container_troubles(status))
    return words


def _container_troubles(status: Object) -> list[str]:
    waiting = status["state"].get("waiting", {})
    reason = waiting.get("reason", "")
    if reason in IMAGE_REASONS:
        return [f"image {status['image']} cannot be pulled ({reason})"]
    if reason == "CrashLoopBackOff":
        last = status.get("lastState", {}).get("terminated", {})
        return [f"container {status['name']} keeps ending with exit code {last.get('exitCode', '?')}"]
    if reason not in {"", "ContainerCreating", "PodInitializing"}:
        return [f"container {status['name']} cannot start: {reason} {waiting.get('message', '')}".rstrip()]
    if "running" in status["state"] and not status.get("ready") and status.get("started"):
        return [f"container {status['name']} runs but its readiness probe fails"]
    return []
