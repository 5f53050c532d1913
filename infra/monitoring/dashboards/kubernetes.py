"""What Kubernetes makes of the stack: workloads, pods, jobs, volumes. nodes.py has what is below them."""

from __future__ import annotations

from infra.monitoring import volumes
from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import deployment
from infra.monitoring.dashboards import nodes
from infra.monitoring.needs import Need
from infra.monitoring.panel import Bad, Board, Kind, Panel, Query, Row, Threshold, Unit, Variable
from infra.monitoring.promql import BETWEEN, here
from infra.settings.model import Settings

POD = 'pod=~"$pod"'
# The series of a pod's own cgroup: clusters differ in whether they have those of its containers too.
WHOLE_POD = 'container=""'


def board(settings: Settings) -> Board:
    """The stack's own objects, and the nodes of all."""
    return Board(
        Dashboard.KUBERNETES,
        "Kubernetes",
        "Whether everything runs that should, what it uses, and what the nodes have left.",
        (
            Row("Workloads", (*_workloads(settings), _autoscaler(settings))),
            Row("Pods", (*_pods(settings), *_use(settings), _network(settings))),
            Row("Jobs and volumes", _jobs_and_volumes(settings)),
            Row("Nodes", nodes.panels(settings)),
            Row("The cluster itself", nodes.cluster_panels()),
        ),
        (Variable("pod", "Pod", "kube_pod_info", "pod"),),
    )


def _workloads(settings: Settings) -> tuple[Panel, ...]:
    return (
        Panel(
            "kubernetes-deployments",
            "Replicas that Deployments lack",
            Unit.NUMBER,
            (Query(deployment.replicas_missing(settings), "{{deployment}}"),),
            "0: all are ready. A rollout has some above 0 for moments.",
            thresholds=(Threshold(0, Severity.WARNING),),
            alerts=("DeploymentReplicasUnavailable",),
        ),
        Panel(
            "kubernetes-rollouts",
            "Rollouts that do not go on",
            Unit.NUMBER,
            (Query(deployment.rollout_stuck(settings), "{{deployment}}"),),
            "Bad: no progress within the deadline; the old replicas still serve.",
            Kind.STATES,
            alerts=("DeploymentRolloutStuck",),
            bad=Bad.ONE,
        ),
        Panel(
            "kubernetes-statefulsets",
            "Pods that StatefulSets lack",
            Unit.NUMBER,
            (Query(deployment.stateful_missing(settings), "{{statefulset}}"),),
            "0: all are ready.",
            thresholds=(Threshold(0, Severity.WARNING),),
            alerts=("StatefulSetNotReady",),
        ),
    )


def _autoscaler(settings: Settings) -> Panel:
    current, most = deployment.autoscaled(settings)
    return Panel(
        "kubernetes-autoscaler",
        "Autoscaler",
        Unit.NUMBER,
        (Query(current, "replicas"), Query(most, "most")),
        "Where both lines meet the service can grow no more.",
        alerts=("AutoscalerAtMost",),
        need=Need.AUTOSCALER,
    )


def _pods(settings: Settings) -> tuple[Panel, ...]:
    phases = f"sum by (phase) (kube_pod_status_phase{here(settings)}) > 0"
    restarts = f"sum by (container) ({deployment.restarts(settings)})"
    return (
        Panel(
            "kubernetes-phases",
            "Pods by phase",
            Unit.NUMBER,
            (Query(phases, "{{phase}}"),),
            "Pending for long: no node has room. Succeeded are jobs that are over.",
            Kind.STACK,
            alerts=("PodNotScheduled",),
        ),
        Panel(
            "kubernetes-restarts",
            "Restarts within ten minutes",
            Unit.NUMBER,
            (Query(restarts, "{{container}}"),),
            "By container, over all pods: it ended by itself, or was killed for its memory.",
            thresholds=(Threshold(0, Severity.WARNING),),
            alerts=("PodCrashLoops", "ContainerKilledForMemory"),
        ),
        Panel(
            "kubernetes-throttled",
            "Time held back by the CPU limit",
            Unit.SHARE,
            (Query(deployment.throttled_share(settings), "{{pod}} {{container}}"),),
            "Of containers that have one.",
            thresholds=(Threshold(deployment.THROTTLED_SHARE, Severity.WARNING),),
            alerts=("ContainerThrottled",),
            need=Need.CPU_LIMIT,
        ),
    )


def _use(settings: Settings) -> tuple[Panel, ...]:
    chosen = here(settings, WHOLE_POD, POD)
    limits = here(settings, 'resource="memory"', POD)
    cpu = f"topk(10, sum by (pod) (rate(container_cpu_usage_seconds_total{chosen}[{BETWEEN}])))"
    memory = f"sum by (pod) (container_memory_working_set_bytes{chosen})"
    share = f"topk(10, {memory} / sum by (pod) (kube_pod_container_resource_limits{limits}))"
    return (
        Panel(
            "kubernetes-cpu",
            "CPU by pod",
            Unit.CORES,
            (Query(cpu, "{{pod}}"),),
            "Cores, of the ten that use most.",
            Kind.STACK,
        ),
        Panel(
            "kubernetes-memory",
            "Memory by pod",
            Unit.BYTES,
            (Query(f"topk(10, {memory})", "{{pod}}"),),
            "What cannot be given back, of the ten that use most.",
            Kind.STACK,
        ),
        Panel(
            "kubernetes-memory-share",
            "Share of the memory limit",
            Unit.SHARE,
            (Query(share, "{{pod}}"),),
            "At 100 % the container is killed.",
            Kind.BARS,
        ),
    )


def _network(settings: Settings) -> Panel:
    chosen = here(settings, 'interface="eth0"', POD)
    rates = {
        way: f"sum by (pod) (rate(container_network_{way}_bytes_total{chosen}[{BETWEEN}]))"
        for way in ("receive", "transmit")
    }
    return Panel(
        "kubernetes-network",
        "Network by pod",
        Unit.BYTES_PER_SECOND,
        tuple(Query(f"topk(10, {rate})", f"{{{{pod}}}} {way}") for way, rate in rates.items()),
        "Received and sent, of the ten with most.",
        need=Need.POD_NETWORK,
    )


def _jobs_and_volumes(settings: Settings) -> tuple[Panel, ...]:
    jobs = tuple(
        Query(f"sum by (namespace) (kube_job_status_{word}{here(settings)})", word)
        for word in ("active", "succeeded", "failed")
    )
    asked = f"kube_persistentvolumeclaim_resource_requests_storage_bytes{here(settings)}"
    return (
        Panel(
            "kubernetes-jobs",
            "Pods of jobs",
            Unit.NUMBER,
            jobs,
            "Of the jobs that Kubernetes still knows; a failed one stays until its history pushes it out.",
            alerts=("JobFailed",),
        ),
        Panel(
            "kubernetes-volumes",
            "Room on volumes",
            Unit.BYTES,
            (Query(volumes.room(settings, 'persistentvolumeclaim!=""'), _volume_legend(settings)),),
            "Where the kubelet knows nothing of volumes: of the node's disk, on which they lie.",
            thresholds=(Threshold(volumes.FREE_BYTES, Severity.CRITICAL, below=True),),
            alerts=("VolumeNearlyFull", "VolumeFillsUp"),
        ),
        Panel(
            "kubernetes-claims",
            "Size of volumes",
            Unit.BYTES,
            (Query(f"sum by (persistentvolumeclaim) ({asked})", "{{persistentvolumeclaim}}"),),
            "What was asked for.",
            Kind.BARS,
        ),
    )


def _volume_legend(settings: Settings) -> str:
    return "the node's disk" if settings.cluster.sandbox else "{{persistentvolumeclaim}}"
