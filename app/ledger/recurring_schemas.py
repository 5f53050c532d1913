"""What the routes of recurring transactions take and give."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.text import Money, MoneyOut, Name, Page, PageSize, Text
from app.ledger.months import YearMonth
from app.ledger.schemas import MAX_DESCRIPTION, CategoryOut, Kind, TransactionOut, Version

MAX_TEMPLATE_NAME = 255
DayOfMonth = Annotated[int, Field(strict=True, ge=1, le=31)]


class RecurringIn(BaseModel):
    """A template of one entry a month. Days 29 to 31 fall on the last day of shorter months; entries of a
    variable amount are made with this one and changed when it is known."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {
                "template_name": "월세",
                "description": "1일 이체",
                "amount": "550000.00",
                "type": "expense",
                "start_date": "2026-01",
                "day_of_month": 31,
            }
        },
    )
    template_name: Annotated[Name, Field(max_length=MAX_TEMPLATE_NAME)]
    description: Annotated[Text, Field(max_length=MAX_DESCRIPTION)]
    amount: Money
    type: Kind
    category_id: uuid.UUID | None = None
    frequency: Literal["monthly"] = "monthly"
    start_date: YearMonth
    end_date: Annotated[YearMonth | None, Field(description="The last month; null: without an end")] = None
    day_of_month: DayOfMonth
    is_active: bool = True
    is_variable_amount: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> RecurringIn:
        if self.end_date and self.end_date < self.start_date:
            raise ValueError("end_date must not be before start_date")
        return self


class RecurringChange(RecurringIn):
    """Every field of a template; with ``version`` only while nobody else has changed it."""

    version: Version | None = None


class RecurringOut(BaseModel):
    """One stored template. Months up to ``generated_until`` are done: nothing is made for them again."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    template_name: str
    description: str
    amount: MoneyOut
    type: Kind
    category: CategoryOut | None
    frequency: str
    start_date: YearMonth
    end_date: YearMonth | None
    day_of_month: int
    is_active: bool
    is_variable_amount: bool
    generated_until: YearMonth | None
    version: int
    created_at: datetime
    updated_at: datetime


class RecurringQuery(BaseModel):
    """``is_active`` narrows."""

    model_config = ConfigDict(extra="forbid")
    is_active: bool | None = None
    page: Page = 1
    page_size: PageSize = 50


class RecurringPage(BaseModel):
    """Templates by name; ``total`` counts all pages' items."""

    items: list[RecurringOut]
    total: int
    page: int
    page_size: int
    pages: int


class Generated(BaseModel):
    """What a generation made. ``skipped`` months were done before; without ``complete`` there is more to make
    than one call may: call again."""

    created: int
    skipped: int
    complete: bool
    entries: list[TransactionOut]
