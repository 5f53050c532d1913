"""Redis as redis_exporter sees it, and its volume as the kubelet sees it."""

from __future__ import annotations

from functools import partial

from infra.monitoring import volumes
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.promql import here
from infra.settings.model import Settings
from infra.settings.redis import MaxmemoryPolicy

GONE = "1m"  # longer than a restart of the pod takes to be seen
# Redis refuses a write that does not fit. The last twentieth is what one bulk import may take.
MEMORY_SHARE = 0.95
# With these every key may go, and a full cache is what they are chosen for.
NEVER_REFUSES = (MaxmemoryPolicy.ALLKEYS_LRU, MaxmemoryPolicy.ALLKEYS_LFU)
_alert = partial(Alert, Part.CACHE, Dashboard.REDIS)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Every stack has a cache; whether it can be full depends on what may go."""
    made = [_down(settings), _volume_nearly_full(settings), _not_persisted(settings)]
    if settings.redis.maxmemory_policy not in NEVER_REFUSES:
        made.append(_memory_full(settings))
    return tuple(made)


def _down(settings: Settings) -> Alert:
    return _alert(
        "CacheDown",
        Severity.CRITICAL,
        f"max by (namespace) (redis_up{here(settings)}) == 0",
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
    chosen = here(settings)
    return _alert(
        "CacheNotPersisted",
        Severity.WARNING,
        f"min by (namespace) (redis_aof_last_write_status{chosen}) == 0"
        f" or min by (namespace) (redis_aof_last_bgrewrite_status{chosen}) == 0",
        "5m",
        "Redis cannot write its append-only file",
        "What is in the cache would be lost in a restart: the last write or rewrite of the file failed.",
        "slipway status STACK; Redis' log names the reason, mostly a full volume",
    )


def _memory_full(settings: Settings) -> Alert:
    redis, chosen = settings.redis, here(settings)
    used, most = f"redis_memory_used_bytes{chosen}", f"redis_memory_max_bytes{chosen}"
    return _alert(
        "CacheMemoryFull",
        Severity.WARNING,
        f"max by (namespace) ({used}) / max by (namespace) ({most} > 0) > {MEMORY_SHARE}",
        "10m",
        "Redis' memory is full",
        f"{{{{ $value | humanizePercentage }}}} of redis.maxmemory {redis.maxmemory} are used, and "
        f"the policy {redis.maxmemory_policy} keeps keys without a time to live: when only those are left, "
        "writes are refused.",
        "slipway explain STACK redis.maxmemory says what it is held against",
    )
