"""Section ``logs``: whether every pod's lines are kept, for how long, and on how much disk."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from infra.settings.base import Memory, Resources, Section


class Store(StrEnum):
    """Whose lines are these? Each has a retention and a volume of its own."""

    SERVICE = "service"
    PARTS = "parts"

    @property
    def component(self) -> str:
        """The component, its StatefulSet and its Service."""
        return f"logs-{self.value}"

    @property
    def collector(self) -> str:
        """The container that reads for it."""
        return f"{self.component}-collector"


class LogStore(Section):
    """One store with its own volume: what fills one of them never pushes lines out of the other."""

    retention_days: int = Field(
        30, ge=1, le=3650, description="Days a line is kept at most; whole days (UTC) go at once."
    )
    retention_size: Memory = Field(
        "6Gi",
        description="Disk in Mi or Gi beyond which the oldest days go; at most 80 % of the volume. Two days "
        "always stay.",
    )
    storage: Memory = Field("8Gi", description="Volume size in Mi or Gi.")


class Logs(Section):
    """Two stores and, on every node, what reads the lines of the stack's own pods."""

    enabled: bool = Field(False, description="Whether lines of all pods are kept and can be searched.")
    service: LogStore = Field(LogStore(), description="Lines of the service: requests, errors, its jobs.")
    parts: LogStore = Field(
        LogStore(retention_days=7, retention_size="3Gi", storage="4Gi"),
        description="Lines of everything else: database, cache, backups, monitoring.",
    )
    storage_class: str | None = Field(
        None,
        min_length=1,
        description="StorageClass of the volumes; the cluster's default without it.",
        examples=["fast-ssd"],
    )
    store_resources: Resources = Field(
        Resources(cpu_request="50m", memory_request="128Mi", memory_limit="512Mi"),
        description="CPU and memory of each store.",
    )
    collector_resources: Resources = Field(
        Resources(cpu_request="10m", memory_request="48Mi", memory_limit="128Mi"),
        description="CPU and memory of each of the two collectors on a node.",
    )
