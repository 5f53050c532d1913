"""What Kubernetes makes of the stack: replicas, rollouts, restarts, jobs, volumes (kube-state-metrics 2.15,
kubelet, cAdvisor)."""

from __future__ import annotations

from functools import partial

from infra.monitoring import needs, volumes
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here
from infra.settings.model import Settings

# A replica that is replaced pulls its image and starts: the progress deadline is at most ten minutes mostly.
PATIENCE = "10m"
# A failed Job stays as an object until its history pushes it out: after a day it is no news any more.
NEWS_SECONDS = 24 * 60 * 60
# A short burst is throttled at any limit; a quarter of the time is latency that users see.
THROTTLED_SHARE = 0.25
_alert = partial(Alert, Part.DEPLOYMENT, Dashboard.KUBERNETES)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Throttling only where a CPU ceiling is set, the autoscaler only where there is one."""
    made = [
        _unavailable(settings),
        _rollout_stuck(settings),
        _stateful_not_ready(settings),
        _crash_loops(settings),
        _not_scheduled(settings),
        _job_failed(settings),
        _killed_for_memory(settings),
        _volume_nearly_full(settings),
        _volume_fills_up(settings),
    ]
    if needs.met(Need.CPU_LIMIT, settings):
        made.append(_throttled(settings))
    if needs.met(Need.AUTOSCALER, settings):
        made.append(_autoscaler_at_most(settings))
    return tuple(made)


def replicas_missing(settings: Settings) -> str:
    """Replicas that each Deployment lacks."""
    chosen = here(settings)
    return f"kube_deployment_spec_replicas{chosen} - kube_deployment_status_replicas_available{chosen}"


def rollout_stuck(settings: Settings) -> str:
    """Whether a Deployment has made no progress within its deadline."""
    chosen = here(settings, 'condition="Progressing"', 'status="false"')
    return f"kube_deployment_status_condition{chosen}"


def stateful_missing(settings: Settings) -> str:
    """Pods that each StatefulSet lacks."""
    chosen = here(settings)
    return f"kube_statefulset_replicas{chosen} - kube_statefulset_status_replicas_ready{chosen}"


def restarts(settings: Settings) -> str:
    """Restarts of each container in the last ten minutes."""
    return f"increase(kube_pod_container_status_restarts_total{here(settings)}[10m])"


def throttled_share(settings: Settings) -> str:
    """Share of the time in which a container was held back by its CPU limit."""
    chosen = here(settings, 'container!=""')
    return " / ".join(
        f"sum by (namespace, pod, container) (increase({metric}{chosen}[5m]))"
        for metric in ("container_cpu_cfs_throttled_periods_total", "container_cpu_cfs_periods_total")
    )


def autoscaled(settings: Settings) -> tuple[str, str]:
    """Replicas that the autoscaler has made, and the most that it may make."""
    chosen = here(settings)
    return (
        f"kube_horizontalpodautoscaler_status_current_replicas{chosen}",
        f"kube_horizontalpodautoscaler_spec_max_replicas{chosen}",
    )


def _unavailable(settings: Settings) -> Alert:
    return _alert(
        "DeploymentReplicasUnavailable",
        Severity.WARNING,
        f"{replicas_missing(settings)} > 0",
        PATIENCE,
        "A Deployment has fewer replicas than it should",
        "{{ $labels.deployment }} has lacked {{ $value }} of its replicas for ten minutes.",
        "slipway status STACK names the pods and why they do not run",
    )


def _rollout_stuck(settings: Settings) -> Alert:
    return _alert(
        "DeploymentRolloutStuck",
        Severity.WARNING,
        f"{rollout_stuck(settings)} == 1",
        "1m",
        "A rollout does not go on",
        "{{ $labels.deployment }} has made no progress within its deadline; the old replicas still serve.",
        "slipway status STACK names what the new replicas wait for",
    )


def _stateful_not_ready(settings: Settings) -> Alert:
    return _alert(
        "StatefulSetNotReady",
        Severity.WARNING,
        f"{stateful_missing(settings)} > 0",
        PATIENCE,
        "A StatefulSet's pod is not ready",
        "{{ $labels.statefulset }} has not been ready for ten minutes.",
        "slipway status STACK names its pod and why it does not run",
    )


def _crash_loops(settings: Settings) -> Alert:
    chosen = here(settings, 'reason="CrashLoopBackOff"')
    return _alert(
        "PodCrashLoops",
        Severity.WARNING,
        # Between two tries the container runs for a moment: the last five minutes are looked at.
        "max by (namespace, pod, container) "
        f"(max_over_time(kube_pod_container_status_waiting_reason{chosen}[5m])) >= 1",
        "5m",
        "A container ends again and again",
        "{{ $labels.container }} in {{ $labels.pod }} has been restarted in vain for five minutes.",
        "slipway status STACK; its last words: kubectl logs POD --previous",
    )


def _not_scheduled(settings: Settings) -> Alert:
    return _alert(
        "PodNotScheduled",
        Severity.WARNING,
        f"kube_pod_status_unschedulable{here(settings)} == 1",
        "5m",
        "No node takes a pod",
        "{{ $labels.pod }} has waited for a node for five minutes: none has the room that it asks for.",
        "slipway status STACK; kubectl describe pod POD names what is missing",
    )


def _job_failed(settings: Settings) -> Alert:
    failed = here(settings, 'condition="true"')
    return _alert(
        "JobFailed",
        Severity.WARNING,
        f"kube_job_failed{failed} == 1 and on (namespace, job_name)"
        f" time() - kube_job_created{here(settings)} < {NEWS_SECONDS}",
        "1m",
        "A job has failed",
        "{{ $labels.job_name }} has used up its tries.",
        "slipway status STACK; slipway backup status STACK where it was a backup",
    )


def _killed_for_memory(settings: Settings) -> Alert:
    killed = here(settings, 'reason="OOMKilled"')
    return _alert(
        "ContainerKilledForMemory",
        Severity.WARNING,
        f"{restarts(settings)} > 0"
        " and on (namespace, pod, container)"
        f" kube_pod_container_status_last_terminated_reason{killed} == 1",
        "0s",
        "A container was killed: it wanted more memory than it may have",
        "{{ $labels.container }} in {{ $labels.pod }} reached its memory_limit.",
        "slipway explain STACK service.resources.memory_limit (or that of the part that was killed)",
    )


def _throttled(settings: Settings) -> Alert:
    return _alert(
        "ContainerThrottled",
        Severity.WARNING,
        f"{throttled_share(settings)} > {THROTTLED_SHARE}",
        "15m",
        "A container is held back by its CPU limit",
        "{{ $labels.container }} in {{ $labels.pod }} was held back in {{ $value | humanizePercentage }} of "
        "the time: its requests wait for no other reason.",
        "slipway explain STACK service.resources.cpu_limit (or that of the part that is held back)",
    )


def _volume_nearly_full(settings: Settings) -> Alert:
    others = f'persistentvolumeclaim!~"{volumes.POSTGRES_CLAIM}|{volumes.REDIS_CLAIM}"'
    return _alert(
        "VolumeNearlyFull",
        Severity.CRITICAL,
        volumes.nearly_full(settings, others),
        "1m",
        "A volume is nearly full",
        "{{ $labels.persistentvolumeclaim }} has {{ $value | humanize1024 }}B left.",
        "slipway status STACK; the runbook says whose volume it is and what may go",
    )


def _volume_fills_up(settings: Settings) -> Alert:
    chosen = here(settings)
    return _alert(
        "VolumeFillsUp",
        Severity.WARNING,
        volumes.fills_up(f"{volumes.FREE}{chosen}", f"{volumes.SIZE}{chosen}"),
        "1h",
        "A volume will be full within a day",
        "{{ $labels.persistentvolumeclaim }} would be full a day from now if it went on like this.",
        "slipway explain STACK postgres.storage (or that of the part whose volume it is)",
    )


def _autoscaler_at_most(settings: Settings) -> Alert:
    current, most = autoscaled(settings)
    return _alert(
        "AutoscalerAtMost",
        Severity.WARNING,
        f"{current} >= {most}",
        "30m",
        "The service can grow no more",
        "It has had {{ $value }} replicas for half an hour, the most that autoscaling allows.",
        "slipway explain STACK service.autoscaling.max_replicas says what it is held against",
    )
