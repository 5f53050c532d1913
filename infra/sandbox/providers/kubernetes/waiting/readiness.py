"""Which check belongs to which kind; waiting for readiness, and whether an object is ready now."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.cluster import group_of
from infra.sandbox.providers.kubernetes.session import NotReadyError
from infra.sandbox.providers.kubernetes.waiting import jobs, services, simple, workloads
from infra.sandbox.providers.kubernetes.waiting.loop import Wait, run
from infra.sandbox.providers.kubernetes.waiting.verdicts import Check, Failed, Look, Pending, Verdict
from infra.sandbox.providers.shared.values import Object

CHECKS: dict[tuple[str, str], Check] = {
    ("apps", "DaemonSet"): workloads.daemon_set,
    ("apps", "Deployment"): workloads.deployment,
    ("apps", "StatefulSet"): workloads.stateful_set,
    ("batch", "Job"): jobs.job,
    ("", "Pod"): simple.pod,
    ("", "Service"): services.service,
    ("", "PersistentVolumeClaim"): simple.claim,
    ("", "PersistentVolume"): simple.volume,
    ("", "Namespace"): simple.namespace,
    ("networking.k8s.io", "Ingress"): services.ingress,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): simple.definition,
}


def _check_of(obj: Object) -> Check | None:
    return CHECKS.get((group_of(obj.get("apiVersion", "")), obj.get("kind", "")))


def until_ready(wait: Wait, live: Object) -> Object:
    """The live object once it is ready. Raises NotReadyError with the reasons when it does not become so."""
    check = _check_of(live)
    if check is None:
        return live
    look = Look(wait.session.needs_cluster(), wait.ref, wait.session.masks, live)

    def again(look: Look) -> Verdict:
        current = look.cluster.get(look.ref)
        if current is None:
            return Failed(("it was deleted while it was waited for",))
        look.live = current
        return check(look)

    return run(wait, look, again)


def not_ready(wait: Wait, live: Object) -> tuple[str, ...]:
    """Why an object is not ready at this moment; empty if it is."""
    check = _check_of(live)
    if check is None:
        return ()
    try:
        verdict = check(Look(wait.session.needs_cluster(), wait.ref, wait.session.masks, live))
    except NotReadyError as error:
        return error.reasons
    reasons = verdict.reasons if isinstance(verdict, Failed) else ()
    reasons = verdict.details() if isinstance(verdict, Pending) else reasons
    return tuple(map(wait.session.masks.clean, reasons))
