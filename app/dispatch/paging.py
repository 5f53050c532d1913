"""Lists in parts: by cursor, which costs the same however deep, or by page number near the beginning."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Generic, NamedTuple, Protocol, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator

from app.core.text import FIRST_YEAR, LAST_YEAR

REACH = 10_000  # rows that page numbers reach and totals count; every row passed over or counted costs time
MOST_ROWS = 100  # in one answer
CURSOR = "^([0-9]{1,17})-([0-9]{1,18})$"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
Out = TypeVar("Out")


class Listable(Protocol):
    """A row that a list can show."""

    id: int
    created_at: datetime


class Cursor(NamedTuple):
    """The last row shown; the next part begins behind it."""

    created_at: datetime
    id: int

    def text(self) -> str:
        """Microseconds since 1970 and the id."""
        return f"{(self.created_at - EPOCH) // MICROSECOND}-{self.id}"


def read_cursor(text: str) -> Cursor:
    """The inverse of ``Cursor.text``. Raises ValueError."""
    found = re.fullmatch(CURSOR, text)
    at = EPOCH + int(found[1]) * MICROSECOND if found else EPOCH
    if found is None or not FIRST_YEAR <= at.year <= LAST_YEAR:
        raise ValueError("must be the next_cursor of an answer")
    return Cursor(at, int(found[2]))


class Window(NamedTuple):
    """Which rows: behind ``after``, passing over ``offset``, at most ``size``; ``page`` is None by cursor."""

    after: Cursor | None
    offset: int
    size: int
    page: int | None


class PageQuery(BaseModel):
    """Without ``page`` the list goes on by cursor: send the answer's ``next_cursor`` for the next part."""

    model_config = ConfigDict(extra="forbid")
    cursor: (
        Annotated[
            str,
            Field(
                pattern=CURSOR, description="next_cursor of the part before", examples=["1768473000000000-17"]
            ),
        ]
        | None
    ) = None
    page: Annotated[int | None, Field(ge=1, le=REACH, description="From 1; instead of a cursor")] = None
    page_size: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50

    @model_validator(mode="after")
    def _one_way(self) -> PageQuery:
        if self.cursor is not None:
            read_cursor(self.cursor)
        if self.cursor is not None and self.page is not None:
            raise ValueError("send either cursor or page")
        if self.page is not None and self.page * self.page_size > REACH:
            raise ValueError(f"pages reach the first {REACH} rows; go on by cursor")
        return self

    def window(self) -> Window:
        """The rows that are asked for."""
        offset = (self.page - 1) * self.page_size if self.page else 0
        return Window(read_cursor(self.cursor) if self.cursor else None, offset, self.page_size, self.page)


class Found(NamedTuple):
    """Rows of a window and one more where there are more; ``total`` counts up to one above REACH."""

    rows: Sequence[Listable]
    total: int | None


class Part(BaseModel, Generic[Out]):
    """One part of a list, newest first."""

    items: list[Out]
    next_cursor: str | None = Field(description="Null at the end", examples=["1767225600000000-42"])
    page: int | None = Field(description="Null where the list goes by cursor")
    total: int | None = Field(description=f"Counted up to {REACH}, and in page mode only")
    total_is_exact: bool | None = Field(description=f"False where there are more than {REACH}")


List = TypeVar("List", bound="Part[Any]")
Shown = TypeVar("Shown", bound=BaseModel)


def part(listed: type[List], item: type[Shown], found: Found, window: Window) -> List:
    """The answer to a window: a list of the kind ``listed`` that shows its rows as ``item``."""
    rows = found.rows[: window.size]
    last = rows[-1] if len(found.rows) > window.size else None
    return listed(
        items=[item.model_validate(row) for row in rows],
        next_cursor=Cursor(last.created_at, last.id).text() if last else None,
        page=window.page,
        total=None if found.total is None else min(found.total, REACH),
        total_is_exact=None if found.total is None else found.total <= REACH,
    )
