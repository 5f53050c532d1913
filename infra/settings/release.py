"""How a release of the service is tried and judged, and, written by `slipway release`, which one has traffic.

Two colours stand beside each other: one has the traffic, the other one is tried or is kept for the way back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from infra.settings.base import Section
from infra.settings.images import REFERENCE


class Colour(StrEnum):
    """Which of the two Deployments?"""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Colour:
        """The one beside it."""
        return Colour.GREEN if self is Colour.BLUE else Colour.BLUE


def _moment(text: str) -> str:
    try:
        datetime.strptime(text, MOMENT).replace(tzinfo=UTC)
    except ValueError:
        raise PydanticCustomError("moment", "is no moment as 2026-11-28T03:00:00Z") from None
    return text


MOMENT = "%Y-%m-%dT%H:%M:%SZ"  # RFC 3339, UTC, whole seconds
FORM = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
Moment = Annotated[str, Field(pattern=FORM, examples=["2026-11-28T03:00:00Z"]), AfterValidator(_moment)]
ImageReference = Annotated[str, Field(pattern=REFERENCE, examples=["registry.example/team/service:1.4.2"])]


class Release(Section):
    """What a new colour must show before it has traffic, and after."""

    checks_seconds: int = Field(
        60, ge=5, le=600, description="Seconds in which a candidate must begin to answer the modules' checks."
    )
    soak_seconds: int = Field(
        60,
        ge=0,
        le=3600,
        description="Seconds for which the checks are repeated before a release has traffic; 0: once only.",
    )
    checks_per_second: int = Field(20, ge=1, le=100, description="Checks a second while a release soaks.")
    watch_seconds: int = Field(
        120,
        ge=0,
        le=3600,
        description="Seconds for which a release that has traffic is watched; worse, and it goes back.",
    )
    keep_minutes: int = Field(
        30, ge=0, le=10_080, description="Minutes for which the old colour is kept for a way back at once."
    )
    max_error_percent: float = Field(
        1.0, ge=0, le=100, description="Most answers of 5xx in percent, above those of the old colour."
    )
    max_p95_ratio: float = Field(
        1.5, ge=1, le=100, description="Most that the 95th percentile may be of the old colour's."
    )
    p95_floor_ms: int = Field(
        100, ge=1, le=60_000, description="Milliseconds of the 95th percentile below which nobody minds."
    )


class Released(Section):
    """Written by `slipway release` and `slipway rollback`. Nothing of it: what `images` says, in blue."""

    number: int = Field(0, ge=0, le=1_000_000, description="How many releases were begun.")
    active: Colour = Field(Colour.BLUE, description="The colour that has the traffic.")
    image: ImageReference | None = Field(
        None, description="Image of the active colour; what images says by default."
    )
    candidate: ImageReference | None = Field(
        None, description="Image of the other colour, while it is tried."
    )
    previous: ImageReference | None = Field(
        None, description="Image of the other colour, while it is kept for the way back."
    )
    previous_until: Moment | None = Field(
        None, description="When the next `slipway up` takes the kept colour away."
    )
