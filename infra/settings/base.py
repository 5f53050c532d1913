"""What every section of the settings shares: frozen, nothing unknown, and the quantity types."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from infra import limits

Cpu = Annotated[str, Field(pattern=r"^([1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?)$", examples=["250m"])]
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}(Mi|Gi)$", examples=["512Mi"])]
Seconds = Annotated[int, Field(ge=1, le=3600)]


class Section(BaseModel):
    """One section of a stack file. ``strict`` refuses "2" where 2 is meant."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Resources(Section):
    """What a container asks for and may use at most."""

    cpu_request: Cpu = Field(
        "100m", description="CPU the scheduler sets aside, in cores (1) or millicores (250m)."
    )
    cpu_limit: Cpu | None = Field(
        None,
        description="CPU ceiling in cores or millicores; none by default, since throttling costs latency.",
    )
    memory_request: Memory = Field("128Mi", description="Memory the scheduler sets aside, in Mi or Gi.")
    memory_limit: Memory = Field(
        "256Mi", description="Memory ceiling in Mi or Gi; beyond it the container is killed."
    )

    @property
    def memory_bytes(self) -> int:
        """The memory ceiling in bytes."""
        return limits.memory_bytes(self.memory_limit)
