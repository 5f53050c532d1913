"""Rules on numbers that must fit one another: memory, connections, replicas, seconds."""

from __future__ import annotations

from collections.abc import Iterator

from infra import limits
from infra.settings.base import Resources
from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding

GRACEFUL_SECONDS = 20  # the service's own limit for requests in flight after the drain (its contract)
CLOSING_SECONDS = 11  # and for everything behind them
# Prometheus and VictoriaLogs remove whole blocks and days, and count neither what they are just writing nor a
# merge's second copy: both manuals leave 15 to 20 % of the disk free.
VOLUME_SHARE = 0.8


def requests_fit_limits(settings: StackConfig) -> Iterator[Finding]:
    """Kubernetes refuses a request above its limit, at the moment of the rollout."""
    yield from _fits(("service", "resources"), settings.service.resources)
    yield from _fits(("postgres", "resources"), settings.postgres.resources)
    yield from _fits(("redis", "resources"), settings.redis.resources)


def backup_requests_fit_limits(settings: StackConfig) -> Iterator[Finding]:
    """The pods of backups start long after the rollout: what Kubernetes would refuse then is refused now."""
    backups = settings.backups
    yield from _fits(("backups", "store", "resources"), backups.store.resources)
    yield from _fits(("backups", "resources"), backups.resources)
    yield from _fits(("backups", "restore_resources"), backups.restore_resources)
    yield from _fits(("backups", "pitr", "resources"), backups.pitr.resources)


def monitoring_requests_fit_limits(settings: StackConfig) -> Iterator[Finding]:
    """What measures must run before there is anything to measure."""
    monitoring = settings.monitoring
    for key in ("prometheus_resources", "alertmanager_resources", "exporter_resources", "adapter_resources"):
        yield from _fits(("monitoring", key), getattr(monitoring, key))
    yield from _fits(("monitoring", "grafana", "resources"), monitoring.grafana.resources)


def logs_requests_fit_limits(settings: StackConfig) -> Iterator[Finding]:
    """A store that cannot start finds nothing, and a collector that cannot start reads nothing."""
    for key in ("store_resources", "collector_resources"):
        yield from _fits(("logs", key), getattr(settings.logs, key))


def kept_fits(path: tuple[str, ...], retention_size: str, storage: str) -> Iterator[Finding]:
    """What is kept leaves a fifth of its volume free. ``path``: where both sizes stand."""
    most = int(limits.memory_bytes(storage) * VOLUME_SHARE)
    if limits.memory_bytes(retention_size) > most:
        yield Finding(
            (*path, "retention_size"),
            f"retention_size {retention_size} is more than 80 % of storage {storage}",
            f"use at most {most // limits.MIB}Mi, or raise storage",
            also=((*path, "storage"),),
        )


def _fits(path: tuple[str, ...], wanted: Resources) -> Iterator[Finding]:
    if limits.memory_bytes(wanted.memory_request) > limits.memory_bytes(wanted.memory_limit):
        yield Finding(
            (*path, "memory_request"),
            f"memory_request {wanted.memory_request} is more than memory_limit {wanted.memory_limit}",
            "lower memory_request or raise memory_limit",
            also=((*path, "memory_limit"),),
        )
    if wanted.cpu_limit and limits.cpu_millis(wanted.cpu_request) > limits.cpu_millis(wanted.cpu_limit):
        yield Finding(
            (*path, "cpu_request"),
            f"cpu_request {wanted.cpu_request} is more than cpu_limit {wanted.cpu_limit}",
            "lower cpu_request or raise cpu_limit",
            also=((*path, "cpu_limit"),),
        )


def pools_fit_the_database(settings: StackConfig) -> Iterator[Finding]:
    """Every pool at its largest, one worker per pod, during a rollout, with both colours where there are."""
    pool, service = settings.service.pool, settings.service
    replicas, surge = service.colours * service.most_replicas, service.colours * service.rollout.max_surge
    wanted = limits.connections_wanted(pool.size, pool.max_overflow, replicas, surge)
    of_colours = " of two colours" if service.blue_green else ""
    free = settings.postgres.max_connections - limits.SUPERUSER_RESERVED
    counts = (
        ("autoscaling.max_replicas", "autoscaling.enabled") if service.autoscaling.enabled else ("replicas",)
    )
    if wanted > free:
        yield Finding(
            ("service", "pool"),
            f"({pool.size} + {pool.max_overflow} + {limits.SERVICE_CONNECTIONS} for probes and jobs) "
            f"connections × ({replicas} replicas{of_colours} + {surge} surge) + "
            f"migration and check = {wanted}, and "
            f"postgres.max_connections {settings.postgres.max_connections} leaves {free}",
            f"lower pool or {counts[0]}, or raise postgres.max_connections "
            f"to {wanted + limits.SUPERUSER_RESERVED}",
            also=(
                *(("service", *key.split(".")) for key in counts),
                ("service", "rollout", "max_surge"),
                ("postgres", "max_connections"),
            ),
        )


def connections_fit_memory(settings: StackConfig) -> Iterator[Finding]:
    """Every connection needs memory to sort in."""
    postgres = settings.postgres
    work_mem = limits.postgres_work_mem(postgres.resources.memory_bytes, postgres.max_connections)
    if work_mem < limits.WORK_MEM_FLOOR:
        yield Finding(
            ("postgres", "max_connections"),
            f"{postgres.max_connections} connections (max_connections) share memory_limit "
            f"{postgres.resources.memory_limit}: {work_mem // 1024} KiB each for sorting, and 1024 KiB is "
            "the least",
            "raise postgres.resources.memory_limit or lower max_connections",
            also=(("postgres", "resources", "memory_limit"),),
        )


def redis_fits_memory(settings: StackConfig) -> Iterator[Finding]:
    """Redis needs room beside its data, or it is killed while it saves."""
    redis = settings.redis
    most = int(redis.resources.memory_bytes * limits.REDIS_MAXMEMORY_SHARE)
    if limits.memory_bytes(redis.maxmemory) > most:
        yield Finding(
            ("redis", "maxmemory"),
            f"maxmemory {redis.maxmemory} is more than 75 % of memory_limit {redis.resources.memory_limit}",
            f"use at most {most // limits.MIB}Mi, or raise redis.resources.memory_limit",
            also=(("redis", "resources", "memory_limit"),),
        )


def drain_fits_grace(settings: StackConfig) -> Iterator[Finding]:
    """A pod that is killed before it has drained drops requests."""
    rollout = settings.service.rollout
    least = rollout.drain_seconds + GRACEFUL_SECONDS + CLOSING_SECONDS + 1
    if rollout.termination_grace_seconds < least:
        yield Finding(
            ("service", "rollout", "termination_grace_seconds"),
            f"termination_grace_seconds {rollout.termination_grace_seconds} leaves no time after "
            f"drain_seconds {rollout.drain_seconds}, {GRACEFUL_SECONDS} s for requests in flight and "
            f"{CLOSING_SECONDS} s to close",
            f"use at least {least}, or lower drain_seconds",
            also=(("service", "rollout", "drain_seconds"),),
        )


def ready_fits_deadline(settings: StackConfig) -> Iterator[Finding]:
    """A rollout that fails before its first pod counts can never succeed."""
    rollout = settings.service.rollout
    if rollout.progress_deadline_seconds <= rollout.min_ready_seconds:
        yield Finding(
            ("service", "rollout", "progress_deadline_seconds"),
            f"progress_deadline_seconds {rollout.progress_deadline_seconds} is not more than "
            f"min_ready_seconds {rollout.min_ready_seconds}",
            "raise progress_deadline_seconds",
            also=(("service", "rollout", "min_ready_seconds"),),
        )


def disruption_leaves_room(settings: StackConfig) -> Iterator[Finding]:
    """A budget that allows no eviction blocks every node drain."""
    service = settings.service
    if service.min_available is not None and service.min_available >= service.least_replicas:
        source = "autoscaling.min_replicas" if service.autoscaling.enabled else "replicas"
        yield Finding(
            ("service", "min_available"),
            f"min_available {service.min_available} of {service.least_replicas} pods ({source}): no pod "
            "could ever be evicted, and a node drain would wait for ever",
            f"leave min_available out, or raise {source} to {service.min_available + 1} or more",
            also=(("service", *source.split(".")),),
        )


def append_only_file_fits_its_volume(settings: StackConfig) -> Iterator[Finding]:
    """While the file is rewritten, the old and the new one stand side by side."""
    redis = settings.redis
    if limits.memory_bytes(redis.storage) < 2 * limits.memory_bytes(redis.maxmemory):
        yield Finding(
            ("redis", "storage"),
            f"storage {redis.storage} is less than twice maxmemory {redis.maxmemory}, which a rewrite of the "
            "append-only file may need",
            f"use at least {2 * limits.memory_bytes(redis.maxmemory) // limits.MIB}Mi, or lower maxmemory",
            also=(("redis", "maxmemory"),),
        )
