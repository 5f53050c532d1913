"""Months of the ledger: how they are written, how they are counted, and which day is today."""

from __future__ import annotations

import calendar
import re
from datetime import UTC, date, datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from app.core.text import FIRST_YEAR, LAST_YEAR

MONTH = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
YEAR_MONTHS = 12
SCHEMA = {"type": "string", "pattern": r"^(19|2\d)\d{2}-(0[1-9]|1[0-2])$", "examples": ["2026-01"]}


def _first_day(value: Any) -> Any:
    if isinstance(value, date):  # as stored; JSON has no dates
        return value
    parts = MONTH.fullmatch(value) if isinstance(value, str) else None
    year, month = (int(part) for part in parts.groups()) if parts else (0, 0)
    if not (FIRST_YEAR <= year <= LAST_YEAR and 1 <= month <= YEAR_MONTHS):
        raise ValueError("must be a month like 2026-01")
    return date(year, month, 1)


YearMonth = Annotated[  # "2026-01" outside, the month's first day inside
    date,
    BeforeValidator(_first_day),
    PlainSerializer(lambda day: f"{day:%Y-%m}", return_type=str, when_used="json"),
    WithJsonSchema(SCHEMA),
]


def month_of(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def plus(month: date, count: int) -> date:
    """The month ``count`` months later, or earlier."""
    years, index = divmod(month.month - 1 + count, YEAR_MONTHS)
    return date(month.year + years, index + 1, 1)


def distance(first: date, last: date) -> int:
    """How many months later ``last`` is; negative where it is earlier."""
    return (last.year - first.year) * YEAR_MONTHS + last.month - first.month


def day_in(month: date, day_of_month: int) -> date:
    """That day of the month, or the last one of a shorter month: 31 in February is the 28th or 29th."""
    return month.replace(day=min(day_of_month, calendar.monthrange(month.year, month.month)[1]))


def last_day(month: date) -> date:
    """The month's last day."""
    return day_in(month, 31)


def today(zone: str, now: datetime | None = None) -> date:
    """The calendar day in the time zone (a name of the IANA data base), now or at an aware ``now``."""
    return (now or datetime.now(UTC)).astimezone(ZoneInfo(zone)).date()
