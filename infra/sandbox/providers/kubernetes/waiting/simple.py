"""When a Pod, a volume claim, a volume, a Namespace and a CustomResourceDefinition are ready."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.cluster import Ref
from infra.sandbox.providers.kubernetes.waiting import pods
from infra.sandbox.providers.kubernetes.waiting.verdicts import Failed, Look, Pending, Ready, Verdict, weigh
from infra.sandbox.providers.shared.values import dig


def pod(look: Look) -> Verdict:
    """Ready when its Ready condition is true, or it ran to a good end."""
    phase = dig(look.live, "status.phase", "Pending")
    if phase == "Succeeded":
        return Ready()
    if pods.ready(look.live):
        return pods.proven(look.live["spec"])
    if phase == "Failed":
        why = (
            dig(look.live, "status.message")
            or dig(look.live, "status.reason")
            or "a container ended with an error"
        )
        return Failed((f"the pod failed: {why}",))
    return weigh(look, pods.troubles(look, [look.live]), f"the pod is {phase.lower()}")


def claim(look: Look) -> Verdict:
    """Ready when bound, or at once if its class binds only when a pod comes."""
    phase = dig(look.live, "status.phase", "Pending")
    if phase == "Bound" or (phase == "Pending" and _binds_late(look)):
        return Ready()
    if phase == "Lost":
        return Failed(("the claim has lost its volume",))
    meta = look.live["metadata"]
    events = look.cluster.events(meta["namespace"], meta["uid"])
    said = tuple(e.get("message", "") for e in events[-1:])
    return Pending("waiting for a volume", said or ("no volume is bound to it",))


def _binds_late(look: Look) -> bool:
    name = dig(look.live, "spec.storageClassName", "")
    if not name or dig(look.live, "spec.volumeName"):
        return False
    found = look.cluster.get(Ref("storage.k8s.io/v1", "StorageClass", None, name))
    return bool(dig(found, "volumeBindingMode") == "WaitForFirstConsumer")


def volume(look: Look) -> Verdict:
    """Ready when available or bound."""
    phase = dig(look.live, "status.phase", "Pending")
    if phase in {"Available", "Bound"}:
        return Ready()
    if phase == "Failed":
        return Failed((f"the volume failed: {dig(look.live, 'status.message', '')}",))
    return Pending(f"the volume is {phase.lower()}", (f"the volume is {phase.lower()}",))


def namespace(look: Look) -> Verdict:
    """Ready when active; one that is just being deleted will never be."""
    phase = dig(look.live, "status.phase", "")
    if phase == "Terminating":
        return Failed(("the namespace is being deleted; run pulumi up again when it is gone",))
    return Ready() if phase == "Active" else Pending("waiting for the namespace", ("it is not active",))


def definition(look: Look) -> Verdict:
    """Ready when established; certainly not when its names are taken."""
    conditions = {c["type"]: c for c in dig(look.live, "status.conditions", [])}
    if conditions.get("Established", {}).get("status") == "True":
        return Ready()
    names = conditions.get("NamesAccepted", {})
    if names.get("status") == "False":
        return Failed((f"its names are not accepted: {names.get('message', '')}",))
    return Pending("waiting for the definition to be established", ("it is not established",))
