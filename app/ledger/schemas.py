"""What the ledger's routes take and give."""

from __future__ import annotations

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.text import Day, Money, MoneyOut, Name, Page, PageSize, Text
from app.ledger.cursor import Cursor
from app.ledger.labels import join_label, split_label

MAX_DESCRIPTION = 2_000
MAX_VERSION = 2**31 - 1  # INTEGER
Version = Annotated[
    int,
    Field(
        strict=True,
        ge=1,
        le=MAX_VERSION,
        description="As read; refused with ERR_1504 where it is another one by now",
    ),
]


class Kind(StrEnum):
    """Which way the money goes."""

    INCOME = "income"
    EXPENSE = "expense"


class Status(StrEnum):
    """Whether it has happened or is only planned."""

    CONFIRMED = "confirmed"
    SCHEDULED = "scheduled"


class CategoryIn(BaseModel):
    """A category of one's own. The emoji may be empty."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"example": {"name": "반려동물", "emoji": "🐈"}}
    )
    name: Annotated[Name, Field(max_length=100)]
    emoji: Annotated[Text, Field(max_length=10)] = ""

    @model_validator(mode="after")
    def _can_be_written_in_one(self) -> CategoryIn:
        if split_label(join_label(self.emoji, self.name)) != (self.emoji, self.name):
            raise ValueError("the emoji must be one emoji or empty, and the name must not begin with one")
        return self


class CategoryOut(BaseModel):
    """``is_default`` ones are everybody's and cannot be changed."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    name: str
    emoji: str
    is_default: bool


class TransactionIn(BaseModel):
    """One entry. The amount is positive; ``type`` says which way it goes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"date": "2026-01-31", "description": "점심", "amount": "12000.00", "type": "expense"}
        },
    )
    date: Day
    description: Annotated[Text, Field(max_length=MAX_DESCRIPTION)]
    amount: Money
    type: Kind
    category_id: uuid.UUID | None = None
    status: Status = Status.CONFIRMED
    recurring_id: uuid.UUID | None = None


class TransactionChange(TransactionIn):
    """Every field of an entry; with ``version`` only while nobody else has changed it."""

    version: Version | None = None


class TransactionOut(BaseModel):
    """One stored entry."""

    model_config = ConfigDict(from_attributes=True)
    id: uuid.UUID
    date: date
    description: str
    amount: MoneyOut
    type: Kind
    status: Status
    category: CategoryOut | None
    recurring_id: uuid.UUID | None
    version: int
    created_at: datetime
    updated_at: datetime


class TransactionPage(BaseModel):
    """Entries, newest day first. ``total`` counts all pages' items; after a cursor nothing is counted, and
    ``total``, ``page`` and ``pages`` are null. ``next_cursor`` is null at the end."""

    items: list[TransactionOut]
    total: int | None
    page: int | None
    page_size: int
    pages: int | None
    next_cursor: str | None


class TransactionFilter(BaseModel):
    """Every field narrows; days are inclusive. ``category`` is an id, a name, or emoji and name."""

    model_config = ConfigDict(extra="forbid")
    date_from: Day | None = None
    date_to: Day | None = None
    type: Kind | None = None
    category: Annotated[Text, Field(max_length=111)] | None = None
    status: Status | None = None
    q: Annotated[Text, Field(max_length=200, description="Part of the description")] | None = None

    @model_validator(mode="after")
    def _ordered(self) -> TransactionFilter:
        if self.date_from and self.date_to and self.date_from > self.date_to:
            raise ValueError("date_from must not be after date_to")
        return self


class Paging(BaseModel):
    """By number, or with ``cursor`` from where the answer before ended: nothing is shown twice or left out
    when entries are added meanwhile, and the last pages cost no more than the first."""

    model_config = ConfigDict(extra="forbid")
    page: Page = 1
    page_size: PageSize = 50
    cursor: Cursor | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Paging:
        if self.cursor and self.page > 1:
            raise ValueError("page and cursor exclude each other")
        return self


class TransactionQuery(TransactionFilter, Paging):
    """A filter and a page."""


class MonthQuery(Paging):
    """A page that is large enough for the whole of an ordinary month."""

    page_size: PageSize = 1_000


class ImportReport(BaseModel):
    """What an import did. ``imported`` and ``skipped`` count transactions; skipped ones were there."""

    imported: int
    skipped: int
    recurring_imported: int
    recurring_skipped: int
    categories_created: list[str] = Field(examples=[["🐈 반려동물"]])
