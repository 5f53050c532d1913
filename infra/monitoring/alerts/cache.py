"""Redis as redis_exporter sees it, and its volume as the kubelet sees it."""

from __future__ import annotations

from functools import partial

from infra.monitoring import needs, volumes
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here
from infra.settings.model import Settings

GONE = "1m"  # longer than a restart of the pod takes to be seen
# Redis refuses a write that does not fit. The last twentieth is what one bulk import may take.
MEMORY_SHARE = 0.95
_alert = partial(Alert, Part.CACHE, Dashboard.REDIS)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Every stack has a cache; whether it can be full depends on what may go."""
    made = [_down(settings), _volume_nearly_full(settings), _not_persisted(settings)]
    if needs.met(Need.CACHE_LIMIT, settings):
        made.append(_memory_full(settings))
    return tuple(made)


def up(settings: Settings) -> str:
    """Whether redis_exporter can log in."""
    return f"max by (namespace) (redis_up{here(settings)})"


def written(settings: Settings) -> tuple[str, str]:
    """Whether the last write and the last rewrite of the append-only file succeeded."""
    chosen = here(settings)
    return (
        f"min by (namespace) (redis_aof_last_write_status{chosen})",
        f"min by (namespace) (redis_aof_last_bgrewrite_status{chosen})",
    )


def memory_share(settings: Settings) -> str:
    """Share of redis.maxmemory that is used."""
    chosen = here(settings)
    used, most = f"redis_memory_used_bytes{chosen}", f"redis_memory_max_bytes{chosen}"
    return f"max by (namespace) ({used}) / max by (namespace) ({most} > 0)"


def _down(settings: Settings) -> Alert:
    return _alert(
        "CacheDown",
        Severity.CRITICAL,
        f"{up(settings)} == 0",
        GONE,
        "Redis does not answer",
        "For a minute the exporter has not been able to log in: the service works without cache, slower, "
        "and counts no requests (service.rate_limit).",
        "slipway status STACK says whether its pod runs, and why not",
    )


def _volume_nearly_full(settings: Settings) -> Alert:
    return _alert(
        "CacheVolumeNearlyFull",
        Severity.CRITICAL,
        volumes.nearly_full(settings, f'persistentvolumeclaim="{volumes.REDIS_CLAIM}"'),
        "1m",
        "Redis' volume is nearly full",
        "{{ $value | humanize1024 }}B are left. Redis refuses every write when its file cannot grow.",
        "slipway explain STACK redis.storage; raise it where the StorageClass lets volumes grow",
    )


def _not_persisted(settings: Settings) -> Alert:
    return _alert(
        "CacheNotPersisted",
        Severity.WARNING,
        " or ".join(f"{status} == 0" for status in written(settings)),
        "5m",
        "Redis cannot write its append-only file",
        "What is in the cache would be lost in a restart: the last write or rewrite of the file failed.",
        "slipway status STACK; Redis' log names the reason, mostly a full volume",
    )


def _memory_full(settings: Settings) -> Alert:
    redis = settings.redis
    return _alert(
        "CacheMemoryFull",
        Severity.WARNING,
        f"{memory_share(settings)} > {MEMORY_SHARE}",
        "10m",
        "Redis' memory is full",
        f"{{{{ $value | humanizePercentage }}}} of redis.maxmemory {redis.maxmemory} are used, and "
        f"the policy {redis.maxmemory_policy} keeps keys without a time to live: when only those are left, "
        "writes are refused.",
        "slipway explain STACK redis.maxmemory says what it is held against",
    )
