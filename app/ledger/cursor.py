"""A place in the list of entries as opaque text: who goes on from it sees what comes after, whatever was
added or removed meanwhile. It gives no right to anything, so it is checked and not signed."""

from __future__ import annotations

import base64
import binascii
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from app.core.text import FIRST_YEAR, LAST_YEAR, Day

MOST_CHARACTERS = 300


class Place(BaseModel):
    """The last entry that was shown, by what the list is ordered by."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    d: Day
    c: Annotated[
        AwareDatetime,
        Field(ge=datetime(FIRST_YEAR, 1, 2, tzinfo=UTC), le=datetime(LAST_YEAR, 12, 31, tzinfo=UTC)),
    ]
    i: uuid.UUID


def write(place: Place) -> str:
    """The cursor for what comes after this place."""
    return base64.urlsafe_b64encode(place.model_dump_json().encode()).decode().rstrip("=")


def _read(value: Any) -> Any:
    try:
        text = str(value)[:MOST_CHARACTERS].encode("ascii")
        padding = b"=" * (-len(text) % 4)
        return Place.model_validate_json(base64.b64decode(text + padding, altchars=b"-_", validate=True))
    except (UnicodeError, binascii.Error, ValidationError):
        raise ValueError("is no cursor of an answer") from None


Cursor = Annotated[
    Place,
    BeforeValidator(_read),
    WithJsonSchema(
        {"type": "string", "maxLength": MOST_CHARACTERS, "description": "next_cursor of the answer before"}
    ),
]
