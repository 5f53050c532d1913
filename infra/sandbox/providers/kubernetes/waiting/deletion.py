"""Waiting until an object is gone, and what holds it when it does not go."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.session import NotReadyError
from infra.sandbox.providers.kubernetes.waiting.loop import Wait, run
from infra.sandbox.providers.kubernetes.waiting.verdicts import Look, Pending, Ready, Verdict
from infra.sandbox.providers.shared.values import Object, dig


def until_gone(wait: Wait, uid: str | None) -> None:
    """Return when the object is gone, or another of that name has taken its place. Raises NotReadyError."""
    look = Look(wait.session.needs_cluster(), wait.ref, wait.session.masks, {})

    def check(look: Look) -> Verdict:
        current = look.cluster.get(look.ref)
        if current is None or (uid and dig(current, "metadata.uid") != uid):
            return Ready()
        look.live = current
        return Pending("waiting for it to be gone", _holders(current))

    try:
        run(wait, look, check)
    except NotReadyError as failed:
        reasons = tuple(reason.replace("not ready after", "not gone after") for reason in failed.reasons)
        raise NotReadyError(reasons, failed.live) from failed


def _holders(obj: Object) -> tuple[str, ...]:
    finalizers = [*dig(obj, "metadata.finalizers", []), *dig(obj, "spec.finalizers", [])]
    held = (f"finalizers still to be done: {', '.join(finalizers)}",) if finalizers else ()
    conditions = dig(obj, "status.conditions", [])
    stuck = (c for c in conditions if c.get("status") == "True" and "Remaining" in c.get("type", ""))
    return held + tuple(str(c.get("message")) for c in stuck)
