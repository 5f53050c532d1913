"""Faults of nodes, deployments, certificates and of the monitoring itself."""

from __future__ import annotations

from tests.infra.monitoring import series, stacks
from tests.infra.monitoring.fault import Fault, gone, nearly_full
from tests.infra.monitoring.series import (
    AVAILABLE,
    CRASHING,
    DISK_FREE,
    GONE,
    OOM,
    RESTARTS,
    STATEFUL_READY,
    UP,
    Level,
    Rate,
    elsewhere,
    name,
)

CLUSTER = {
    "a node is away": Fault(
        ("NodeNotReady", "DatabaseDown", "ServiceHealthFails"),
        {
            elsewhere("kube_node_status_condition", node="node-1", condition="Ready", status="true"): Level(
                0
            ),
            name("pg_up"): Level(0),
            UP: Level(0),
        },
        5,
    ),
    "a node's disk is nearly full": Fault(("NodeDiskNearlyFull",), {DISK_FREE: Level(9.9e8)}, 5),
    "the sandbox' disk is nearly full": Fault(
        ("NodeDiskNearlyFull", "DatabaseVolumeNearlyFull", "CacheVolumeNearlyFull", "VolumeNearlyFull"),
        {
            DISK_FREE: Level(9e8),
            **{series.free(f"data-{each}-0"): Level(9e8) for each in ("postgres", "redis", "object-store")},
        },
        5,
        settings=stacks.sandbox(),
    ),
    "a node's inodes are used up": Fault(
        ("NodeInodesShort",), {elsewhere("node_filesystem_files_free", **series.DISK): Level(5e5)}
    ),
    "a node's memory is used up": Fault(
        ("NodeMemoryShort",), {elsewhere("node_memory_MemAvailable_bytes", **series.NODE): Level(3e8)}, 15
    ),
    "a replica is missing": Fault(("DeploymentReplicasUnavailable",), {AVAILABLE: Level(2)}, 15),
    "a rollout is stuck": Fault(
        ("DeploymentRolloutStuck",),
        {
            name(
                "kube_deployment_status_condition",
                deployment="service",
                condition="Progressing",
                status="false",
            ): Level(1)
        },
    ),
    "a stateful pod is not ready": Fault(("StatefulSetNotReady",), {STATEFUL_READY: Level(0)}, 15),
    "a container ends again and again": Fault(("PodCrashLoops",), {CRASHING: Level(1)}),
    "no node takes a pod": Fault(
        ("PodNotScheduled",), {name("kube_pod_status_unschedulable", pod=series.POD): Level(1)}
    ),
    "a job fails": Fault(
        ("JobFailed",), {name("kube_job_failed", job_name="backup-1", condition="true"): Level(1)}
    ),
    "a container is killed for its memory": Fault(
        ("ContainerKilledForMemory",), {OOM: Level(1), RESTARTS: Rate(0.01)}
    ),
    "a container is held back": Fault(
        ("ContainerThrottled",),
        {name("container_cpu_cfs_throttled_periods_total", **series.CONTAINER): Rate(3)},
        25,
    ),
    "the store's volume is nearly full": nearly_full("VolumeNearlyFull", "data-object-store-0"),
    "the autoscaler can add no more": Fault(
        ("AutoscalerAtMost",),
        {
            name(
                "kube_horizontalpodautoscaler_status_current_replicas", horizontalpodautoscaler="service"
            ): Level(6)
        },
        35,
    ),
}
HOST = "https://ledger.example.com"
EXPIRY = name("probe_ssl_earliest_cert_expiry", instance=HOST)
BUCKET = elsewhere("apiserver_client_certificate_expiration_seconds_bucket", le="604800")
MONITORING = {
    "a certificate is near its end": Fault(("CertificateNearEnd",), {EXPIRY: Level(10 * 86400)}, 15),
    "a certificate ends": Fault(("CertificateEnds", "CertificateNearEnd"), {EXPIRY: Level(86400)}, 15),
    "nobody looks at the certificate": Fault(("CertificateNotWatched",), {EXPIRY: GONE}, 20),
    "a certificate of the sandbox is near its end": Fault(
        ("ClusterCertificateNearEnd",), {BUCKET: Rate(0.1)}, 15, settings=stacks.sandbox()
    ),
    "the service's figures are away": Fault(
        ("ServiceNotWatched",),
        {name("service_info", **series.REPLICA, version="1", environment="production"): GONE},
        15,
    ),
    "the database's exporter is away": gone("DatabaseNotWatched", "pg_up"),
    "the cache's exporter is away": gone("CacheNotWatched", "redis_up"),
    "the kubelet is not read": Fault(
        ("VolumesNotWatched",),
        {series.free(f"data-{each}-0"): GONE for each in ("postgres", "redis", "object-store")},
        15,
    ),
    "the node exporter is away": Fault(
        ("NodesNotWatched",), {elsewhere("node_uname_info", **series.NODE): GONE}, 15
    ),
    "kube-state-metrics is away": Fault(
        ("ClusterNotWatched",),
        {elsewhere("kube_node_info", node="node-1"): GONE, AVAILABLE: GONE},
        15,
    ),
    **{
        f"{server} refuses its configuration": Fault(
            (f"{server}ReloadFailed",),
            {elsewhere(f"{server.lower()}_config_last_reload_successful"): Level(0)},
        )
        for server in ("Prometheus", "Alertmanager")
    },
    "Prometheus is away": Fault(
        ("PrometheusDown",), {name("up", job="prometheus", instance="prometheus"): Level(0)}, 5
    ),
    "rules cannot be evaluated": Fault(
        ("PrometheusRulesFail",),
        {elsewhere("prometheus_rule_evaluation_failures_total", rule_group="service"): Rate(0.1)},
        12,
    ),
    "there is no Alertmanager": Fault(
        ("PrometheusCannotNotify",),
        {elsewhere("prometheus_notifications_alertmanagers_discovered"): Level(0)},
    ),
    "Alertmanager does not answer": Fault(
        ("PrometheusCannotNotify",),
        {elsewhere("prometheus_notifications_errors_total", alertmanager="one"): Rate(0.1)},
    ),
    "a receiver refuses messages": Fault(
        ("NotificationsFail",),
        {elsewhere("alertmanager_notifications_failed_total", integration="slack"): Rate(0.1)},
    ),
}
LOGS = {
    "nothing reads the lines": Fault(("LogsNotWatched",), {series.LINES_READ: GONE}, 15, calm=30),
    "a store of logs is away": Fault(
        ("LogStoreDown", "LogsNotWatched"),
        {series.STORE_UP: Level(0), series.STORE_FULL: GONE},
        14,
        calm=30,
    ),
    "a store of logs is away for long": Fault(
        ("LogStoreDown", "LogsNotWatched", "LogsNotArriving"),
        {series.STORE_UP: Level(0), series.STORE_FULL: GONE, series.LINES_TAKEN: GONE},
        24,
        calm=30,
    ),
    "a store of logs is full": Fault(("LogStoreFull",), {series.STORE_FULL: Level(1)}, 5),
    "lines are read and none arrives": Fault(
        ("LogsNotArriving",), {series.LINES_TAKEN: Rate(0)}, 25, calm=30
    ),
    "lines cannot be read": Fault(
        ("LogsDropped",),
        {name("vl_rows_dropped_total", **series.READING, reason="invalid_cri_line"): Rate(1)},
        5,
        calm=30,
    ),
    "too many lines wait on a node": Fault(
        ("LogsDropped",),
        {name("vlagent_remotewrite_packets_dropped_total", **series.READING): Rate(0.1)},
        5,
        calm=30,
    ),
}
