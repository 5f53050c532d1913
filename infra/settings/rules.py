"""Rules between two values: each names both, so that the reader sees which one to change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infra import limits
from infra.settings.base import Resources
from infra.settings.images import Catalogue
from infra.settings.service import Mode, ServiceType
from infra.settings.stack import Environment

if TYPE_CHECKING:
    from infra.settings.model import Settings

GRACEFUL_SECONDS = 20  # the service's own limit for requests in flight after the drain (its contract)


@dataclass(frozen=True)
class Finding:
    """A broken rule: the key to point at, what is wrong with both values, what to do.

    ``also``: the other keys it weighs; the message points at the first that the stack file itself sets.
    """

    key: tuple[str, ...]
    what: str
    remedy: str
    also: tuple[tuple[str, ...], ...] = ()


def broken(settings: Settings) -> list[Finding]:
    """Every broken rule, in the order of the sections."""
    return [finding for rule in RULES for finding in rule(settings)]


def _cluster_is_named(settings: Settings) -> Iterator[Finding]:
    cluster = settings.cluster
    if not cluster.sandbox and not cluster.context:
        yield Finding(
            ("cluster", "context"),
            "is missing, and cluster.sandbox is false",
            "name the kubeconfig context this stack goes to (kubectl config get-contexts lists them)",
        )
    if cluster.sandbox and cluster.context:
        yield Finding(
            ("cluster", "context"),
            f"{cluster.context!r} contradicts cluster.sandbox: true",
            "keep one of the two",
        )


def _production_stays_out_of_the_sandbox(settings: Settings) -> Iterator[Finding]:
    if settings.cluster.sandbox and settings.stack.environment is Environment.PROD:
        yield Finding(
            ("cluster", "sandbox"),
            f"true, and {settings.stack} is a production stack",
            "name a context of a real cluster: cluster.context",
        )


def _sandbox_images_stay_in_the_sandbox(settings: Settings) -> Iterator[Finding]:
    if settings.images.catalogue is Catalogue.SANDBOX and not settings.cluster.sandbox:
        yield Finding(
            ("images", "catalogue"),
            "sandbox, and cluster.sandbox is false: those images exist on this machine only",
            "use catalogue: public",
        )


def _service_image_is_named(settings: Settings) -> Iterator[Finding]:
    if settings.images.catalogue is Catalogue.PUBLIC and not settings.images.service:
        yield Finding(
            ("images", "service"),
            "is missing, and the public catalogue has no image of the service",
            "push the service's image to your registry and name it here with its tag",
        )


def _requests_fit_limits(settings: Settings) -> Iterator[Finding]:
    owners: dict[str, Resources] = {
        "service": settings.service.resources,
        "postgres": settings.postgres.resources,
        "redis": settings.redis.resources,
    }
    for section, wanted in owners.items():
        if limits.memory_bytes(wanted.memory_request) > limits.memory_bytes(wanted.memory_limit):
            yield Finding(
                (section, "resources", "memory_request"),
                f"{wanted.memory_request} is more than memory_limit {wanted.memory_limit}",
                "lower memory_request or raise memory_limit",
                also=((section, "resources", "memory_limit"),),
            )
        if wanted.cpu_limit and limits.cpu_millis(wanted.cpu_request) > limits.cpu_millis(wanted.cpu_limit):
            yield Finding(
                (section, "resources", "cpu_request"),
                f"{wanted.cpu_request} is more than cpu_limit {wanted.cpu_limit}",
                "lower cpu_request or raise cpu_limit",
                also=((section, "resources", "cpu_limit"),),
            )


def _pools_fit_the_database(settings: Settings) -> Iterator[Finding]:
    pool, service = settings.service.pool, settings.service
    wanted = limits.connections_wanted(
        pool.size, pool.max_overflow, service.replicas, service.rollout.max_surge
    )
    free = settings.postgres.max_connections - limits.SUPERUSER_RESERVED
    if wanted > free:
        yield Finding(
            ("service", "pool"),
            f"({pool.size} + {pool.max_overflow}) connections × ({service.replicas} replicas + "
            f"{service.rollout.max_surge} surge) + migration and probes = {wanted}, and "
            f"postgres.max_connections {settings.postgres.max_connections} leaves {free}",
            "lower pool or replicas, or raise postgres.max_connections "
            f"to {wanted + limits.SUPERUSER_RESERVED}",
            also=(
                ("service", "replicas"),
                ("service", "rollout", "max_surge"),
                ("postgres", "max_connections"),
            ),
        )


def _connections_fit_memory(settings: Settings) -> Iterator[Finding]:
    postgres = settings.postgres
    work_mem = limits.postgres_work_mem(postgres.resources.memory_bytes, postgres.max_connections)
    if work_mem < limits.WORK_MEM_FLOOR:
        yield Finding(
            ("postgres", "max_connections"),
            f"{postgres.max_connections} connections share memory_limit {postgres.resources.memory_limit}: "
            f"{work_mem // 1024} KiB each for sorting, and 1024 KiB is the least",
            "raise postgres.resources.memory_limit or lower max_connections",
            also=(("postgres", "resources", "memory_limit"),),
        )


def _redis_fits_memory(settings: Settings) -> Iterator[Finding]:
    redis = settings.redis
    most = int(redis.resources.memory_bytes * limits.REDIS_MAXMEMORY_SHARE)
    if limits.memory_bytes(redis.maxmemory) > most:
        yield Finding(
            ("redis", "maxmemory"),
            f"{redis.maxmemory} is more than 75 % of memory_limit {redis.resources.memory_limit}",
            f"use at most {most // limits.MIB}Mi, or raise redis.resources.memory_limit",
            also=(("redis", "resources", "memory_limit"),),
        )


def _drain_fits_grace(settings: Settings) -> Iterator[Finding]:
    rollout = settings.service.rollout
    least = rollout.drain_seconds + GRACEFUL_SECONDS + 1
    if rollout.termination_grace_seconds < least:
        yield Finding(
            ("service", "rollout", "termination_grace_seconds"),
            f"termination_grace_seconds {rollout.termination_grace_seconds} leaves no time after "
            f"drain_seconds {rollout.drain_seconds} and {GRACEFUL_SECONDS} s for requests in flight",
            f"use at least {least}, or lower drain_seconds",
            also=(("service", "rollout", "drain_seconds"),),
        )


def _ready_fits_deadline(settings: Settings) -> Iterator[Finding]:
    rollout = settings.service.rollout
    if rollout.progress_deadline_seconds <= rollout.min_ready_seconds:
        yield Finding(
            ("service", "rollout", "progress_deadline_seconds"),
            f"{rollout.progress_deadline_seconds} is not more than "
            f"min_ready_seconds {rollout.min_ready_seconds}",
            "raise progress_deadline_seconds",
            also=(("service", "rollout", "min_ready_seconds"),),
        )


def _node_port_has_its_type(settings: Settings) -> Iterator[Finding]:
    service = settings.service
    if service.node_port is not None and service.type is not ServiceType.NODE_PORT:
        yield Finding(
            ("service", "node_port"),
            f"{service.node_port} is set, and service.type is {service.type}",
            "use type: NodePort, or leave node_port out",
        )


def _development_stays_in_development(settings: Settings) -> Iterator[Finding]:
    allowed = {Environment.DEV, Environment.SANDBOX}
    if settings.service.environment is Mode.DEVELOPMENT and settings.stack.environment not in allowed:
        yield Finding(
            ("service", "environment"),
            f"development accepts a development token, and {settings.stack} is a "
            f"{settings.stack.environment} stack",
            "use staging or production",
        )


RULES: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
    _cluster_is_named,
    _production_stays_out_of_the_sandbox,
    _sandbox_images_stay_in_the_sandbox,
    _service_image_is_named,
    _requests_fit_limits,
    _pools_fit_the_database,
    _connections_fit_memory,
    _redis_fits_memory,
    _drain_fits_grace,
    _ready_fits_deadline,
    _node_port_has_its_type,
    _development_stays_in_development,
)
