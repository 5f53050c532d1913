"""Types of what people send to dispatch, and what every stored row has."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)

from app.core.text import FIRST_YEAR, LAST_YEAR, Name, plain_number
from app.dispatch.statuses import KOREAN_CARGO, Cargo

MOST_ID = 2**63 - 1  # bigint
CLOCK_SKEW = timedelta(minutes=1)  # a telephone's clock may be ahead by so much
ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]", re.ASCII)
RETENTION = timedelta(days=30)  # a person's whereabouts are kept no longer


def _cargo(value: Any) -> Any:
    return KOREAN_CARGO.get(unicodedata.normalize("NFC", value), value) if isinstance(value, str) else value


def _iso(value: Any) -> Any:
    if not (isinstance(value, str) and ISO.match(value)):
        raise ValueError("must be a moment like 2026-01-31T09:30:00+09:00")
    return value


def _bounded(moment: datetime) -> datetime:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"must be in the years {FIRST_YEAR} to {LAST_YEAR}")
    return moment.astimezone(UTC)


def _recently(moment: datetime) -> datetime:
    now = datetime.now(UTC)
    if not now - RETENTION < moment <= now + CLOCK_SKEW:
        raise ValueError(f"must be within the last {RETENTION.days} days and not in the future")
    return moment


Id = Annotated[int, Field(ge=1, le=MOST_ID)]
Reference = Annotated[int, Field(strict=True, ge=1, le=MOST_ID)]  # in a body, where "1" and true are no ids
Version = Annotated[int, Field(strict=True, ge=1, le=2**31 - 1, description="The version that was read")]
Moment = Annotated[AwareDatetime, BeforeValidator(_iso), AfterValidator(_bounded)]
RecentMoment = Annotated[Moment, AfterValidator(_recently)]
Address = Annotated[Name, Field(max_length=500)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9][0-9 ()-]{3,28}$")]
CargoIn = Annotated[
    Cargo, BeforeValidator(_cargo), Field(description="냉동, 냉장 and 상온 are understood too")
]
Kilograms = Annotated[
    Decimal,
    BeforeValidator(partial(plain_number, example="100 or 100.5")),
    Field(gt=0, lt=1_000_000, decimal_places=3, allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1_000_000},
                {"type": "string", "pattern": r"^\d{1,6}(\.\d{1,3})?$"},
            ],
            "description": "Kilograms, above 0, with at most three decimals",
        }
    ),
]
KilogramsOut = Annotated[
    Decimal,
    PlainSerializer(lambda weight: f"{weight:.3f}", return_type=str, when_used="json"),
    Field(examples=["100.000"], description="Kilograms, text with three decimals"),
]


def shape(**example: JsonValue) -> ConfigDict:
    """The configuration of a request body: unknown fields are refused, and the document has an example."""
    return ConfigDict(extra="forbid", json_schema_extra={"example": example})


class Stored(BaseModel):
    """What every stored row has; a change sends back the ``version`` it has read."""

    model_config = ConfigDict(from_attributes=True)
    id: int
    version: int
    created_at: datetime
    updated_at: datetime
