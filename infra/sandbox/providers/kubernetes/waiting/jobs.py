"""When a Job is done, and what its last pod said when it failed."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.waiting.logs import last_lines
from infra.sandbox.providers.kubernetes.waiting.pods import troubles
from infra.sandbox.providers.kubernetes.waiting.verdicts import Failed, Look, Ready, Verdict, weigh
from infra.sandbox.providers.kubernetes.waiting.workloads import refused_pods
from infra.sandbox.providers.shared.values import Object, dig


def job(look: Look) -> Verdict:
    """Ready when the Job is complete (or suspended); Failed when it has used up its tries."""
    status = look.live.get("status") or {}
    conditions = {c["type"]: c for c in status.get("conditions") or () if c.get("status") == "True"}
    if "Complete" in conditions or "Suspended" in conditions:
        return Ready()
    pods = _pods(look)
    if "Failed" in conditions:
        return Failed((_failure(look, conditions["Failed"], pods),))
    found = [*(refused_pods(look) if not pods else []), *troubles(look, pods, crashes=False)]
    done, wanted, failed = (
        status.get("succeeded", 0),
        dig(look.live, "spec.completions", 1),
        status.get("failed", 0),
    )
    doing = f"{done} of {wanted} completions" + (f", {failed} pods failed so far" if failed else "")
    return weigh(look, found, doing)


def _pods(look: Look) -> list[Object]:
    meta = look.live["metadata"]
    return look.cluster.find(
        "v1", "Pod", meta["namespace"], labelSelector=f"batch.kubernetes.io/controller-uid={meta['uid']}"
    )


def _failure(look: Look, condition: Object, pods: list[Object]) -> str:
    text = f"the job failed ({condition.get('reason', '')}): {condition.get('message', '')}"
    failed = [p for p in pods if dig(p, "status.phase") == "Failed"] or pods
    if not failed:
        return text
    last = max(failed, key=lambda p: str(dig(p, "metadata.creationTimestamp", "")))
    return text + _ending(look, last)


def _ending(look: Look, pod: Object) -> str:
    for status in [*dig(pod, "status.initContainerStatuses", []), *dig(pod, "status.containerStatuses", [])]:
        ended = dig(status, "state.terminated") or dig(status, "lastState.terminated")
        if ended and ended.get("exitCode") != 0:
            said = last_lines(
                look, pod, status["name"], previous="terminated" not in (status.get("state") or {})
            )
            reason = ended.get("reason", "")
            return f'; container "{status["name"]}" ended with exit code {ended["exitCode"]} ({reason}){said}'
    return ""
