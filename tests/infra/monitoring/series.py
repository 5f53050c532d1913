"""What a stack's exporters say while all is well, and what of it changes while something is not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.settings.model import Settings


@dataclass(frozen=True)
class Level:
    """A figure that stays as it is; None: there is none."""

    value: float | None


@dataclass(frozen=True)
class Rate:
    """A figure that grows by so much in a second."""

    per_second: float


Course = Level | Rate
GONE = Level(None)


def name(metric: str, **labels: str) -> str:
    """A series of the stack; its namespace is filled in later."""
    return _written(metric, {"namespace": "NAMESPACE", **labels})


def elsewhere(metric: str, **labels: str) -> str:
    """A series that is of no stack."""
    return _written(metric, labels)


def _written(metric: str, labels: Mapping[str, str]) -> str:
    return metric + "{" + ",".join(f'{key}="{value}"' for key, value in labels.items()) + "}"


POD = "service-5d8f-abcde"
REPLICA = {"instance": "10.1.2.3:8000", "part": "service"}
REQUEST = {**REPLICA, "method": "GET", "endpoint": "/api/v1/entries"}
OK = name("api_requests_total", **REQUEST, status="200")
FAILED = name("api_requests_total", **REQUEST, status="503")
UNREADY = name("api_requests_total", **REPLICA, method="GET", endpoint="/readiness", status="503")
COUNT = name("api_response_seconds_count", **REQUEST)
UP = name("up", **REPLICA, job="service")
DEPLOYMENT, NODE = {"deployment": "service"}, {"instance": "node-1:9100"}
AVAILABLE = name("kube_deployment_status_replicas_available", **DEPLOYMENT)
DISK = {**NODE, "mountpoint": "/node", "fstype": "ext4"}
DISK_FREE = elsewhere("node_filesystem_avail_bytes", **DISK)
CONTAINER = {"pod": POD, "container": "service"}
RESTARTS = name("kube_pod_container_status_restarts_total", **CONTAINER)
OOM = name("kube_pod_container_status_last_terminated_reason", **CONTAINER, reason="OOMKilled")
CRASHING = name("kube_pod_container_status_waiting_reason", **CONTAINER, reason="CrashLoopBackOff")
STATEFUL_READY = name("kube_statefulset_status_replicas_ready", statefulset="postgres")
READING = {"part": "logs-collector", "store": "service", "instance": "10.1.2.4:9429"}
STORING = {"part": "logs-service", "store": "service", "instance": "logs-service"}
LINES_READ = name("vl_rows_ingested_total", **READING)
LINES_TAKEN = name("vl_rows_ingested_total", **STORING)
STORE_UP = name("up", **STORING, job="logs-service")
STORE_FULL = name("vl_storage_is_read_only", **STORING)
SPEED = 2.0  # requests in a second


def within(seconds: float) -> str:
    """The requests that took at most so long."""
    return name("api_response_seconds_bucket", **REQUEST, le=str(seconds))


def free(claim: str) -> str:
    """The bytes that are free on a volume."""
    return name("kubelet_volume_stats_available_bytes", persistentvolumeclaim=claim)


def well(settings: Settings) -> dict[str, Course]:
    """Series → its course while all is well."""
    return dict(
        [*_service(settings), *_stores(settings), *_cluster(), *_nodes(), *_logs(), *_watchers(settings)]
    )


def _service(settings: Settings) -> Iterator[tuple[str, Course]]:
    yield OK, Rate(SPEED)
    yield FAILED, Rate(0)
    yield UNREADY, Rate(0)
    yield COUNT, Rate(SPEED)
    yield within(settings.slo.latency.p95_ms / 1000), Rate(SPEED)
    yield within(10.0), Rate(SPEED)
    yield name("database_pool_connections", **REPLICA, state="in_use"), Level(3)
    yield name("events_dropped_total", **REPLICA), Rate(0)
    yield name("service_info", **REPLICA, version="1", environment="production"), Level(1)
    yield UP, Level(1)


def _stores(settings: Settings) -> Iterator[tuple[str, Course]]:
    database = {"datname": settings.postgres.database}
    yield name("pg_up"), Level(1)
    yield name("pg_stat_activity_count", **database, state="active"), Level(20)
    yield name("pg_settings_max_connections"), Level(settings.postgres.max_connections)
    yield name("pg_stat_activity_max_tx_duration", **database, state="idle in transaction"), Level(1)
    yield name("pg_stat_database_deadlocks", **database), Rate(0)
    for verb in ("inserted", "updated", "deleted"):
        yield name(f"pg_stat_database_tup_{verb}", **database), Rate(1)
    yield name("pg_stat_archiver_failed_count"), Rate(0)
    yield name("pg_stat_archiver_last_archive_age"), Level(20)
    yield name("redis_up"), Level(1)
    yield name("redis_aof_last_write_status"), Level(1)
    yield name("redis_aof_last_bgrewrite_status"), Level(1)
    yield name("redis_memory_used_bytes"), Level(1e6)
    yield name("redis_memory_max_bytes"), Level(1e8)
    yield name("backup_last_success_timestamp_seconds", kind="daily"), Rate(1)
    yield name("backup_last_verified_timestamp_seconds"), Rate(1)
    yield name("backup_drill_success"), Level(1)
    yield name("backup_store_reachable"), Level(1)
    for claim in ("data-postgres-0", "data-redis-0", "data-object-store-0"):
        yield free(claim), Level(8e9)
        yield name("kubelet_volume_stats_capacity_bytes", persistentvolumeclaim=claim), Level(1e10)


def _cluster() -> Iterator[tuple[str, Course]]:
    yield AVAILABLE, Level(3)
    yield name("kube_deployment_spec_replicas", **DEPLOYMENT), Level(3)
    progressing = {"condition": "Progressing", "status": "false"}
    yield name("kube_deployment_status_condition", **DEPLOYMENT, **progressing), Level(0)
    yield name("kube_statefulset_replicas", statefulset="postgres"), Level(1)
    yield STATEFUL_READY, Level(1)
    yield CRASHING, GONE
    yield RESTARTS, Rate(0)
    yield OOM, GONE
    yield name("kube_pod_status_unschedulable", pod=POD), GONE
    yield name("kube_job_failed", job_name="backup-1", condition="true"), GONE
    yield name("kube_job_created", job_name="backup-1"), Level(0)
    yield name("container_cpu_cfs_throttled_periods_total", **CONTAINER), Rate(0.1)
    yield name("container_cpu_cfs_periods_total", **CONTAINER), Rate(10)
    autoscaler = {"horizontalpodautoscaler": "service"}
    yield name("kube_horizontalpodautoscaler_status_current_replicas", **autoscaler), Level(3)
    yield name("kube_horizontalpodautoscaler_spec_max_replicas", **autoscaler), Level(6)


def _nodes() -> Iterator[tuple[str, Course]]:
    yield elsewhere("kube_node_info", node="node-1"), Level(1)
    ready = {"condition": "Ready", "status": "true"}
    yield elsewhere("kube_node_status_condition", node="node-1", **ready), Level(1)
    yield elsewhere("node_uname_info", **NODE), Level(1)
    yield DISK_FREE, Level(5e10)
    yield elsewhere("node_filesystem_size_bytes", **DISK), Level(1e11)
    yield elsewhere("node_filesystem_readonly", **DISK), Level(0)
    yield elsewhere("node_filesystem_files_free", **DISK), Level(9e6)
    yield elsewhere("node_filesystem_files", **DISK), Level(1e7)
    yield elsewhere("node_memory_MemAvailable_bytes", **NODE), Level(4e9)
    yield elsewhere("node_memory_MemTotal_bytes", **NODE), Level(8e9)


def _logs() -> Iterator[tuple[str, Course]]:
    yield LINES_READ, Rate(1)
    yield LINES_TAKEN, Rate(1)
    yield STORE_UP, Level(1)
    yield STORE_FULL, Level(0)
    yield name("vl_rows_dropped_total", **STORING, reason="too_small_timestamp"), Rate(1)
    yield name("vl_rows_dropped_total", **READING, reason="invalid_cri_line"), Rate(0)
    yield name("vlagent_remotewrite_packets_dropped_total", **READING), Rate(0)


def _watchers(settings: Settings) -> Iterator[tuple[str, Course]]:
    bucket = "apiserver_client_certificate_expiration_seconds_bucket"
    yield elsewhere(bucket, le="604800"), Rate(0)
    if settings.ingress.hosts:
        yield name("probe_ssl_earliest_cert_expiry", instance="https://ledger.example.com"), Level(1e9)
    yield name("up", job="prometheus", instance="prometheus"), Level(1)
    for server in ("prometheus", "alertmanager"):
        yield elsewhere(f"{server}_config_last_reload_successful"), Level(1)
    yield elsewhere("prometheus_rule_evaluation_failures_total", rule_group="service"), Rate(0)
    yield elsewhere("prometheus_notifications_alertmanagers_discovered"), Level(1)
    yield elsewhere("prometheus_notifications_errors_total", alertmanager="one"), Rate(0)
    yield elsewhere("prometheus_notifications_dropped_total"), Rate(0)
    yield elsewhere("alertmanager_notifications_failed_total", integration="slack"), Rate(0)


@dataclass(frozen=True)
class Timeline:
    """``step`` seconds between two scrapes; a fault lasts from minute ``begin`` to ``end``, and the series
    go on to ``last``."""

    step: int
    begin: int
    end: int
    last: int

    def values(self, good: Course, bad: Course) -> str:
        """As promtool writes them."""
        spans = ((good, self.begin), (bad, self.end - self.begin), (good, self.last - self.end))
        value, written = 0.0, []
        for course, minutes in spans:
            count = minutes * 60 // self.step
            if count <= 0:
                continue
            if isinstance(course, Level):
                written.append(_level(course.value, count))
            else:
                grows = course.per_second * self.step
                written.append(f"{value:.12g}+{grows:.12g}x{count - 1}")
                value += grows * count
        return " ".join(written)


def _level(value: float | None, count: int) -> str:
    if value is None:
        return "stale" + (f" _x{count - 1}" if count > 1 else "")
    return f"{value:.12g}+0x{count - 1}"


def written(settings: Settings, bad: Mapping[str, Course], timeline: Timeline) -> list[dict[str, str]]:
    """What promtool reads: all series, those of ``bad`` as they are during the fault."""
    good = well(settings)
    unknown = set(bad) - set(good)
    assert unknown == set(), "no such series while all is well"
    return [
        {
            "series": series.replace("NAMESPACE", settings.namespace_name),
            "values": timeline.values(course, bad.get(series, course)),
        }
        for series, course in good.items()
    ]
