"""What GET /api/monitoring/events takes and gives."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from app import contract

MOST_EVENTS = 200
ID = r"^[A-Za-z0-9._-]{1,128}$"


def _known(code: str) -> str:
    if code not in contract.ERROR_CODES:
        raise ValueError("is no error code; the document lists them under x-error-codes")
    return code


Code = Annotated[str, AfterValidator(_known), Field(json_schema_extra={"enum": [*contract.ERROR_CODES]})]


class EventQuery(BaseModel):
    """Which events. Every filter narrows; without any, the newest of all."""

    model_config = ConfigDict(extra="forbid")
    trace_id: str | None = Field(None, pattern=ID, description="A trace id or an X-Request-ID")
    error_code: Code | None = None
    since: AwareDatetime | None = Field(None, description="Not before this moment")
    until: AwareDatetime | None = Field(None, description="Before this moment")
    cursor: uuid.UUID | None = Field(None, description="next_cursor of the part before")
    limit: int = Field(50, ge=1, le=MOST_EVENTS)


class EventOut(BaseModel):
    """One error as it was answered."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    timestamp: datetime = Field(validation_alias="occurred_at")
    level: Literal["warning", "error"] = Field(description="error where the service is at fault")
    error_code: str
    status: int = Field(examples=[404])
    method: str = Field(examples=["GET"])
    route: str | None = Field(description="The template; null where no route matched", examples=["/health"])
    message: str
    trace_id: str
    request_id: str
    principal: str | None = Field(description="Tells people apart and names nobody; null without a token")
    exception: str | None = Field(description="The type of what was raised", examples=["NotFoundError"])


class EventPage(BaseModel):
    """Newest first."""

    items: list[EventOut]
    next_cursor: uuid.UUID | None = Field(description="Where the next part goes on; null at the end")
