"""Section ``redis``: the cache in the cluster."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Memory, Resources, Section


class MaxmemoryPolicy(StrEnum):
    """What goes when memory is full?"""

    NOEVICTION = "noeviction"
    ALLKEYS_LRU = "allkeys-lru"
    ALLKEYS_LFU = "allkeys-lfu"
    VOLATILE_LRU = "volatile-lru"
    VOLATILE_LFU = "volatile-lfu"
    VOLATILE_TTL = "volatile-ttl"


class Appendfsync(StrEnum):
    """When is the append-only file forced to disk?"""

    ALWAYS = "always"
    EVERYSEC = "everysec"
    NO = "no"


class Redis(Section):
    """One Redis with an append-only file."""

    storage: Memory = Field(
        "1Gi", description="Volume size in Mi or Gi: twice maxmemory, for the file's rewrite."
    )
    storage_class: str | None = Field(
        None,
        min_length=1,
        description="StorageClass; the cluster's default without it.",
        examples=["fast-ssd"],
    )
    maxmemory: Memory = Field(
        "192Mi", description="Data ceiling in Mi or Gi: at most 75 % of the memory limit."
    )
    maxmemory_policy: MaxmemoryPolicy = Field(
        MaxmemoryPolicy.VOLATILE_LRU,
        description="What goes first when full; volatile-*: only keys with a time to live.",
    )
    appendfsync: Appendfsync = Field(
        Appendfsync.EVERYSEC, description="When writes reach the disk; everysec loses at most one second."
    )
    shutdown_seconds: int = Field(
        30, ge=5, le=600, description="Seconds for a clean stop before it is killed."
    )
    startup_seconds: int = Field(120, ge=10, le=3600, description="Seconds to load the append-only file.")
    resources: Resources = Field(
        Resources(cpu_request="100m", memory_request="256Mi", memory_limit="256Mi"),
        description="CPU and memory of the container.",
    )
