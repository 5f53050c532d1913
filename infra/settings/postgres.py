"""Section ``postgres``: the database in the cluster."""

from __future__ import annotations

from pydantic import Field

from infra import limits
from infra.settings.base import Memory, Resources, Section


class Postgres(Section):
    """One PostgreSQL. Memory parameters follow from ``resources.memory_limit`` (infra/limits.py)."""

    database: str = Field(
        "slipway",
        pattern=r"^[a-z][a-z0-9_]{0,39}$",
        description="Database name; its roles are <name>_owner and <name>_service.",
        examples=["ledger"],
    )
    storage: Memory = Field(
        "10Gi", description="Volume size in Mi or Gi; a volume cannot be made smaller later."
    )
    storage_class: str | None = Field(
        None,
        min_length=1,
        description="StorageClass; the cluster's default without it.",
        examples=["fast-ssd"],
    )
    max_connections: int = Field(
        220, ge=20, le=2000, description="Connections at once; must hold every pool during a rollout."
    )
    shutdown_seconds: int = Field(
        60, ge=10, le=600, description="Seconds for a fast shutdown before it is killed."
    )
    startup_seconds: int = Field(
        600,
        ge=30,
        le=7200,
        description="Seconds for crash recovery; a restart in its middle would begin it again.",
    )
    log_slow_milliseconds: int = Field(
        500,
        ge=0,
        le=600_000,
        description="Statements slower than this many milliseconds are logged; 0 logs all.",
    )
    resources: Resources = Field(
        Resources(cpu_request="250m", memory_request="1Gi", memory_limit="1Gi"),
        description="CPU and memory of the container.",
    )

    @property
    def owner(self) -> str:
        """The role that owns the database and its schema; used by migrations only."""
        return f"{self.database}_owner"

    @property
    def service_role(self) -> str:
        """The role of the service: reads and writes rows, changes no table."""
        return f"{self.database}_service"

    @property
    def memory(self) -> limits.PostgresMemory:
        """The tuned memory parameters."""
        return limits.postgres_memory(
            self.resources.memory_bytes, self.max_connections, limits.memory_bytes(self.storage)
        )
