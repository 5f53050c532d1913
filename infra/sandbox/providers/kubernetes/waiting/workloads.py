"""When a Deployment, a StatefulSet and a DaemonSet are rolled out, and why they will not be."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.waiting.pods import proven, troubles
from infra.sandbox.providers.kubernetes.waiting.verdicts import (
    Failed,
    Look,
    Pending,
    Ready,
    Trouble,
    Verdict,
    weigh,
)
from infra.sandbox.providers.shared.values import Object, dig

CREATION_GRACE = 10.0  # quota may be freed by pods that are just going
REVISION = "deployment.kubernetes.io/revision"
CERTAIN_AT_ONCE = ("violates PodSecurity", "Invalid value", "Required value")


def observed(obj: Object) -> bool:
    """Whether the controller has seen the object's latest form."""
    return bool(dig(obj, "status.observedGeneration", 0) >= dig(obj, "metadata.generation", 0))


def deployment(look: Look) -> Verdict:
    """Ready when all replicas are new and available and no old one is left."""
    obj, wanted = look.live, dig(look.live, "spec.replicas", 1)
    if not observed(obj):
        return Pending("waiting for the deployment controller")
    status = obj.get("status") or {}
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if updated == wanted == available and status.get("replicas", 0) == wanted:
        return _settled(obj)
    conditions = {c["type"]: c for c in status.get("conditions") or ()}
    found = [*_creation(conditions.get("ReplicaFailure")), *troubles(look, _new_pods(look))]
    progressing = conditions.get("Progressing") or {}
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Failed((f"{available} of {wanted} replicas are available: {progressing.get('message', '')}",
                       *(trouble.full() for trouble in found)))  # fmt: skip
    return weigh(look, found, f"{updated} of {wanted} replicas updated, {available} available")


def stateful_set(look: Look) -> Verdict:
    """Ready when all replicas have the latest revision (from the partition on) and are ready."""
    obj, wanted = look.live, dig(look.live, "spec.replicas", 1)
    if not observed(obj):
        return Pending("waiting for the statefulset controller")
    status = obj.get("status") or {}
    ready = status.get("readyReplicas", 0)
    rolls = dig(obj, "spec.updateStrategy.type", "RollingUpdate") == "RollingUpdate"
    partition = dig(obj, "spec.updateStrategy.rollingUpdate.partition", 0)
    current = status.get("currentRevision") == status.get("updateRevision")
    updated = wanted if current else status.get("updatedReplicas", 0)
    enough = not rolls or updated >= max(0, wanted - partition)
    if ready == wanted == status.get("replicas", 0) and enough:
        return _settled(obj)
    found = [*refused_pods(look), *troubles(look, _pods_by_selector(look))]
    return weigh(look, found, f"{updated} of {wanted} replicas updated, {ready} ready")


def daemon_set(look: Look) -> Verdict:
    """Ready when every node that should has the new pod, available."""
    status = look.live.get("status") or {}
    wanted = status.get("desiredNumberScheduled", 0)
    if not observed(look.live):
        return Pending("waiting for the daemonset controller")
    updated, available = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    if updated == wanted == available:
        return _settled(look.live)
    found = [*refused_pods(look), *troubles(look, _pods_by_selector(look))]
    return weigh(look, found, f"{updated} of {wanted} nodes updated, {available} available")


def _settled(obj: Object) -> Ready:
    replicas = dig(obj, "spec.replicas", 1)
    return proven(dig(obj, "spec.template.spec", {})) if replicas else Ready()


def _creation(condition: Object | None) -> list[Trouble]:
    if not condition or condition.get("status") != "True":
        return []
    return [_refused(condition.get("message", ""))]


def _refused(message: str) -> Trouble:
    certain = any(words in message for words in CERTAIN_AT_ONCE)
    return Trouble("creation", f"pods cannot be created: {message}", 0.0 if certain else CREATION_GRACE)


def refused_pods(look: Look) -> list[Trouble]:
    """A pod creation refused for a controller without such a condition: it only reports an event."""
    meta = look.live["metadata"]
    if _pods_by_selector(look):
        return []
    events = look.cluster.events(meta["namespace"], meta["uid"])
    messages = [e.get("message", "") for e in events if e.get("reason") == "FailedCreate"]
    return [_refused(messages[-1])] if messages else []


def _new_pods(look: Look) -> list[Object]:
    """The pods of the Deployment's newest ReplicaSet."""
    meta = look.live["metadata"]
    revision = dig(meta, "annotations", {}).get(REVISION)
    sets = look.cluster.find("apps/v1", "ReplicaSet", meta["namespace"], labelSelector=_selector(look.live))
    for candidate in sets:
        owners = {owner["uid"] for owner in dig(candidate, "metadata.ownerReferences", [])}
        if meta["uid"] in owners and dig(candidate, "metadata.annotations", {}).get(REVISION) == revision:
            return _owned_pods(look, candidate)
    return []


def _owned_pods(look: Look, owner: Object) -> list[Object]:
    selector = _selector(owner)
    pods = look.cluster.find("v1", "Pod", owner["metadata"]["namespace"], labelSelector=selector)
    uid = owner["metadata"]["uid"]
    return [p for p in pods if uid in {o["uid"] for o in dig(p, "metadata.ownerReferences", [])}]


def _pods_by_selector(look: Look) -> list[Object]:
    return _owned_pods(look, look.live)


def _selector(obj: Object) -> str:
    labels = dig(obj, "spec.selector.matchLabels", {})
    return ",".join(f"{key}={value}" for key, value in labels.items())
