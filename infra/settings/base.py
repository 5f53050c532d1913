"""What every section of the settings shares: frozen, nothing unknown, and the quantity types."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from infra import limits


class ListRule(StrEnum):
    """How does a list of a higher layer meet the list below it? Written at the field; ``replace`` without."""

    REPLACE = "replace"
    UNION = "union"


def merged_by(rule: ListRule) -> dict[str, Any]:
    """For ``Field(json_schema_extra=…)``: schema, reference and merge all read it there."""
    return {"x-list-rule": rule.value}


def _schedule(text: str) -> str:
    try:
        next(CronSim(text, datetime(2024, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration):
        raise PydanticCustomError("schedule", "is a schedule that never comes") from None
    return text


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a folder gives OSError
        raise PydanticCustomError("time_zone", "is no time zone of the IANA database") from None
    return name


CRON_FIELD = r"(\*|[0-9]{1,2}(-[0-9]{1,2})?)(/[0-9]{1,2})?"
CRON = rf"^{CRON_FIELD}(,{CRON_FIELD})*( {CRON_FIELD}(,{CRON_FIELD})*){{4}}$"
Cpu = Annotated[str, Field(pattern=r"^([1-9][0-9]*m|[0-9]+(\.[0-9]{1,3})?)$", examples=["250m"])]
Memory = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,6}(Mi|Gi)$", examples=["512Mi"])]
Seconds = Annotated[int, Field(ge=1, le=3600)]
Host = Annotated[
    str,
    Field(
        pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]([-a-z0-9]{0,61}[a-z0-9])?$",
        max_length=253,
        examples=["ledger.example.com"],
    ),
]
Schedule = Annotated[str, Field(pattern=CRON, examples=["0 3 * * *"]), AfterValidator(_schedule)]
TimeZone = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$", examples=["Asia/Seoul"]),
    AfterValidator(_time_zone),
]


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
