"""Redis: whether it answers, what it holds, how well it serves, and whether it keeps what it was given."""

from __future__ import annotations

from infra.monitoring import volumes
from infra.monitoring.alert import Dashboard, Severity
from infra.monitoring.alerts import cache
from infra.monitoring.panel import Board, Kind, Panel, Query, Row, Threshold, Unit
from infra.monitoring.promql import BETWEEN, here
from infra.settings.model import Settings


def board(settings: Settings) -> Board:
    """The cache as its exporter sees it."""
    return Board(
        Dashboard.REDIS,
        "Redis",
        "The cache as its exporter sees it, and its volume.",
        (
            Row("Now", (*_now(settings), _up(settings))),
            Row("Work", _work(settings)),
            Row("Memory and keys", _memory(settings)),
            Row("What is kept", _kept(settings)),
        ),
    )


def _rate(settings: Settings, metric: str) -> str:
    return f"sum by (namespace) (rate({metric}{here(settings)}[{BETWEEN}]))"


def _hits(settings: Settings) -> str:
    hits, misses = (_rate(settings, f"redis_keyspace_{what}_total") for what in ("hits", "misses"))
    return f"{hits} / ({hits} + {misses})"


def _keys(settings: Settings) -> str:
    return f"sum by (namespace) (redis_db_keys{here(settings)})"


def _now(settings: Settings) -> tuple[Panel, ...]:
    return (
        Panel(
            "redis-memory-now",
            "Memory used",
            Unit.SHARE,
            (Query(cache.memory_share(settings), "of maxmemory"),),
            f"Of redis.maxmemory, which is {settings.redis.maxmemory}.",
            Kind.STAT,
            (Threshold(cache.MEMORY_SHARE, Severity.WARNING),),
        ),
        Panel(
            "redis-keys-now",
            "Keys",
            Unit.NUMBER,
            (Query(_keys(settings), "keys"),),
            "In all databases.",
            Kind.STAT,
        ),
        Panel(
            "redis-commands-now",
            "Commands",
            Unit.PER_SECOND,
            (Query(_rate(settings, "redis_commands_processed_total"), "commands"),),
            "Per second.",
            Kind.STAT,
        ),
        Panel(
            "redis-clients-now",
            "Clients",
            Unit.NUMBER,
            (Query(f"sum by (namespace) (redis_connected_clients{here(settings)})", "connected"),),
            "Connections that are open.",
            Kind.STAT,
        ),
    )


def _up(settings: Settings) -> Panel:
    return Panel(
        "redis-up",
        "Redis answers",
        Unit.NUMBER,
        (Query(cache.up(settings), "redis"),),
        "Whether the exporter can log in.",
        Kind.STATES,
        alerts=("CacheDown",),
    )


def _work(settings: Settings) -> tuple[Panel, ...]:
    by_command = f"topk(8, sum by (cmd) (rate(redis_commands_total{here(settings)}[{BETWEEN}])))"
    spent = f"topk(8, sum by (cmd) (rate(redis_commands_duration_seconds_total{here(settings)}[{BETWEEN}])))"
    return (
        Panel(
            "redis-commands",
            "Commands by name",
            Unit.PER_SECOND,
            (Query(by_command, "{{cmd}}"),),
            "The eight that are asked most.",
            Kind.STACK,
        ),
        Panel(
            "redis-spent",
            "Time spent by command",
            Unit.CORES,
            (Query(spent, "{{cmd}}"),),
            "Seconds per second; at 1 the one thread has no time left.",
            Kind.STACK,
        ),
        Panel(
            "redis-hits",
            "Keys that were found",
            Unit.SHARE,
            (Query(_hits(settings), "hits"),),
            "Of the keys that were asked for.",
        ),
    )


def _memory(settings: Settings) -> tuple[Panel, ...]:
    chosen = here(settings)
    return (
        Panel(
            "redis-memory",
            "Share of maxmemory",
            Unit.SHARE,
            (Query(cache.memory_share(settings), "used"),),
            f"The policy is {settings.redis.maxmemory_policy}.",
            thresholds=(Threshold(cache.MEMORY_SHARE, Severity.WARNING),),
            alerts=("CacheMemoryFull",),
        ),
        Panel(
            "redis-resident",
            "Memory",
            Unit.BYTES,
            (
                Query(f"max by (namespace) (redis_memory_used_bytes{chosen})", "used"),
                Query(f"max by (namespace) (redis_memory_used_rss_bytes{chosen})", "resident"),
                Query(f"max by (namespace) (redis_memory_used_peak_bytes{chosen})", "peak"),
            ),
            "resident far above used means that it lies in pieces.",
        ),
        Panel(
            "redis-removed",
            "Keys removed",
            Unit.PER_SECOND,
            (
                Query(_rate(settings, "redis_expired_keys_total"), "expired"),
                Query(_rate(settings, "redis_evicted_keys_total"), "evicted"),
            ),
            "expired: their time was over; evicted: there was no room for them.",
        ),
    )


def _kept(settings: Settings) -> tuple[Panel, ...]:
    write, rewrite = cache.written(settings)
    claim = f'persistentvolumeclaim="{volumes.REDIS_CLAIM}"'
    return (
        Panel(
            "redis-written",
            "The append-only file can be written",
            Unit.NUMBER,
            (Query(write, "write"), Query(rewrite, "rewrite")),
            "Whether the last one of each succeeded.",
            Kind.STATES,
            alerts=("CacheNotPersisted",),
        ),
        Panel(
            "redis-file",
            "Append-only file",
            Unit.BYTES,
            (Query(f"max by (namespace) (redis_aof_current_size_bytes{here(settings)})", "size"),),
            "It is written anew when it has doubled.",
        ),
        Panel(
            "redis-volume",
            "Room on the volume",
            Unit.BYTES,
            (Query(volumes.room(settings, claim), "free"),),
            "Where the kubelet knows nothing of volumes: of the node's disk, on which they lie.",
            thresholds=(Threshold(volumes.FREE_BYTES, Severity.CRITICAL, below=True),),
            alerts=("CacheVolumeNearlyFull",),
        ),
    )
