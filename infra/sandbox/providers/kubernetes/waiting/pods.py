"""What is wrong with a pod, in words, and after how long that is certain."""

from __future__ import annotations

from collections.abc import Iterator

from infra.sandbox.providers.kubernetes.waiting.logs import last_lines
from infra.sandbox.providers.kubernetes.waiting.verdicts import Look, Ready, Trouble
from infra.sandbox.providers.shared.values import Object, dig

# Seconds that a trouble must last to be certain. The kubelet tries a pull or a configuration again by itself
# every 10 s or so, and the scheduler looks again when a volume or a node appears.
GRACE = {
    "ErrImageNeverPull": 0.0, "InvalidImageName": 0.0, "ErrImagePull": 8.0, "ImagePullBackOff": 8.0,
    "ImageInspectError": 8.0, "RegistryUnavailable": 8.0, "CreateContainerConfigError": 12.0,
    "CreateContainerError": 8.0, "RunContainerError": 8.0,
}  # fmt: skip
UNSCHEDULABLE_GRACE = 15.0
MOUNT_GRACE = 20.0
UNPROBED_SECONDS = 2.0
CRASHES_CERTAIN = 2  # one restart may be a part that came up before what it needs
EVENTS_AFTER_SECONDS = 3.0
PULLS = frozenset({"ErrImagePull", "ImagePullBackOff"})
STARTING = frozenset({"ContainerCreating", "PodInitializing", ""})


def ready(pod: Object) -> bool:
    """Whether the pod's Ready condition is true."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in dig(pod, "status.conditions", []))


def proven(spec: Object) -> Ready:
    """Ready for a pod's spec: at once where every container has a readiness probe, else after a moment.

    Without a probe a container counts as ready while it runs, even one that ends with an error in a second.
    """
    probed = all("readinessProbe" in container for container in spec.get("containers", []))
    return Ready() if probed else Ready(UNPROBED_SECONDS)


def troubles(look: Look, pods: list[Object], *, crashes: bool = True) -> list[Trouble]:
    """The troubles of all pods that are neither ready nor going; the same trouble of two pods counts once.

    crashes: whether a crash loop counts; a Job's own limit decides for its pods.
    """
    found: dict[str, Trouble] = {}
    for pod in pods:
        if ready(pod) or dig(pod, "metadata.deletionTimestamp"):
            continue
        for trouble in _of_pod(look, pod, crashes=crashes):
            found.setdefault(trouble.key, trouble)
    return list(found.values())


def _of_pod(look: Look, pod: Object, *, crashes: bool) -> Iterator[Trouble]:
    yield from _scheduling(pod)
    waiting_only = True
    statuses = [*dig(pod, "status.initContainerStatuses", []), *dig(pod, "status.containerStatuses", [])]
    for status in statuses:
        reason = dig(status, "state.waiting.reason", "") if "waiting" in (status.get("state") or {}) else None
        waiting_only = waiting_only and reason in STARTING
        if reason in GRACE:
            yield _waiting(status, reason)
        elif crashes and _crashed(status):
            yield _crashing(look, pod, status)
    if look.waited < EVENTS_AFTER_SECONDS:
        return
    if statuses and waiting_only:
        yield from _mounting(look, pod)
    elif dig(pod, "status.phase") == "Running":
        yield from _unready(look, pod)


def _scheduling(pod: Object) -> Iterator[Trouble]:
    for condition in dig(pod, "status.conditions", []):
        if condition.get("type") == "PodScheduled" and condition.get("reason") == "Unschedulable":
            text = f"no node can take the pod: {condition.get('message', '')}"
            yield Trouble("unschedulable", text, UNSCHEDULABLE_GRACE)


def _waiting(status: Object, reason: str) -> Trouble:
    name, message = status["name"], dig(status, "state.waiting.message", "")
    if reason in PULLS:
        text = f'container "{name}": image {status["image"]} cannot be pulled ({reason}): {message}'
        return Trouble(f"{name} pull", text, GRACE[reason])
    if "Image" in reason:
        text = f'container "{name}": image {status["image"]}: {reason}: {message}'
        return Trouble(f"{name} {reason}", text, GRACE[reason])
    return Trouble(
        f"{name} {reason}", f'container "{name}" cannot start ({reason}): {message}', GRACE[reason]
    )


def _crashed(status: Object) -> bool:
    """Whether the container's last end was a crash, be it waiting, on its way again, or just ended."""
    ended = dig(status, "state.terminated") or dig(status, "lastState.terminated")
    return not status.get("ready") and bool(ended) and ended.get("exitCode") != 0


def _crashing(look: Look, pod: Object, status: Object) -> Trouble:
    name, restarts = status["name"], int(status.get("restartCount", 0))
    running_before = "terminated" not in (status.get("state") or {})
    ended = dig(status, "state.terminated") or dig(status, "lastState.terminated", {})
    how = ", ".join(
        filter(None, [f"exit code {ended.get('exitCode', '?')}", _unusual(ended), f"{restarts} restarts"])
    )
    return Trouble(
        f"{name} crash",
        f'container "{name}" keeps crashing ({how})',
        0.0 if restarts >= CRASHES_CERTAIN and "waiting" in (status.get("state") or {}) else None,
        lambda: last_lines(look, pod, name, previous=running_before),
    )


def _unusual(ended: Object) -> str:
    reason = ended.get("reason", "")
    return "" if reason in {"Error", "Completed"} else str(reason)


def _mounting(look: Look, pod: Object) -> Iterator[Trouble]:
    for event in look.cluster.events(pod["metadata"]["namespace"], pod["metadata"]["uid"])[-3:]:
        reason, message = event.get("reason", ""), event.get("message", "")
        if reason == "FailedMount":
            # Only what cannot come by waiting: a volume that is merely slow to attach says so in other words.
            yield Trouble(f"mount {message}", f"a volume cannot be mounted: {message}", _mount_grace(message))
        elif reason.startswith("Failed"):
            yield Trouble(f"{reason}", f"{reason}: {message}", None)


def _mount_grace(message: str) -> float | None:
    return MOUNT_GRACE if "not found" in message or "references non-existent" in message else None


def _unready(look: Look, pod: Object) -> Iterator[Trouble]:
    events = look.cluster.events(pod["metadata"]["namespace"], pod["metadata"]["uid"])
    failures = [e.get("message", "") for e in events if e.get("reason") == "Unhealthy"]
    if failures:
        yield Trouble("unhealthy", f"pod {pod['metadata']['name']} is not ready: {failures[-1]}", None)
