"""What a stack must have for an alert or a panel: each condition once, asked of its settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from pydantic import BaseModel

from infra.settings.base import Resources
from infra.settings.model import Settings
from infra.settings.redis import MaxmemoryPolicy

# With these every key may go, and a full cache is what they are chosen for.
NEVER_REFUSES = (MaxmemoryPolicy.ALLKEYS_LRU, MaxmemoryPolicy.ALLKEYS_LFU)


class Need(StrEnum):
    """Which fact of a stack makes it worth having?"""

    NOTHING = "nothing"
    FIGURES = "the service has /metrics"
    PROMISE = "there is a service level, and the service has /metrics"
    BACKUPS = "backups are made"
    ARCHIVE = "PostgreSQL's log is archived"
    CACHE_LIMIT = "Redis refuses what does not fit"
    CERTIFICATE = "hosts lead to the service over TLS"
    LOGS = "lines of its pods are kept"
    CPU_LIMIT = "some container has a CPU limit"
    AUTOSCALER = "the service grows by itself"
    OWN_CLUSTER = "the cluster is the sandbox"
    # The pods of the sandbox share no network that cAdvisor counts.
    POD_NETWORK = "cAdvisor has figures of each pod's network"


def met(need: Need, settings: Settings) -> bool:
    """Whether the stack has it."""
    return CONDITIONS[need](settings)


def _promise(settings: Settings) -> bool:
    return settings.slo.enabled and settings.service.enable_metrics


def _archive(settings: Settings) -> bool:
    return settings.backups.enabled and settings.backups.pitr.enabled


def _cpu_limits(model: BaseModel) -> Iterator[str]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, Resources) and value.cpu_limit:
            yield value.cpu_limit
        elif isinstance(value, BaseModel):
            yield from _cpu_limits(value)


CONDITIONS: Mapping[Need, Callable[[Settings], bool]] = {
    Need.NOTHING: lambda _: True,
    Need.FIGURES: lambda settings: settings.service.enable_metrics,
    Need.PROMISE: _promise,
    Need.BACKUPS: lambda settings: settings.backups.enabled,
    Need.ARCHIVE: _archive,
    Need.CACHE_LIMIT: lambda settings: settings.redis.maxmemory_policy not in NEVER_REFUSES,
    Need.CERTIFICATE: lambda settings: bool(settings.ingress.certified),
    Need.LOGS: lambda settings: settings.logs.enabled,
    Need.CPU_LIMIT: lambda settings: any(_cpu_limits(settings)),
    Need.AUTOSCALER: lambda settings: settings.service.autoscaling.enabled,
    Need.OWN_CLUSTER: lambda settings: settings.cluster.sandbox,
    Need.POD_NETWORK: lambda settings: not settings.cluster.sandbox,
}
