"""What the routes of statistics give."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from app.core.text import Day, MoneyOut
from app.ledger.months import YearMonth
from app.ledger.schemas import CategoryOut, Kind


class Summary(BaseModel):
    """All entries of the period, confirmed and scheduled, unless a status was asked for."""

    income: MoneyOut
    expense: MoneyOut
    balance: MoneyOut
    count: int


class MonthlySummary(Summary):
    """A month's summary."""

    year: int
    month: int


class CategoryShare(BaseModel):
    """What one category came to; null stands for entries without one. ``share`` is its percentage of all
    entries of the type: the shares of a type add up to 100.00, or are all 0.00 where its total is 0.00."""

    category: CategoryOut | None
    type: Kind
    amount: MoneyOut
    count: int
    share: Annotated[MoneyOut, Field(examples=["33.34"])]


class CategoryShares(BaseModel):
    """The categories of a period, the largest amount first."""

    income: MoneyOut
    expense: MoneyOut
    items: list[CategoryShare]


class AssetsQuery(BaseModel):
    """``day`` is today where none is given; the series ends with its month and has twelve months, or
    those from ``from`` to ``to``."""

    model_config = ConfigDict(extra="forbid")
    day: Day | None = None
    first: Annotated[YearMonth | None, Field(alias="from", description="First month of the series")] = None
    last: Annotated[YearMonth | None, Field(alias="to", description="Last month of the series")] = None


class Balance(BaseModel):
    """Everything earned minus everything spent: what happened, and with what is planned besides."""

    confirmed: MoneyOut
    expected: MoneyOut


class MonthBalance(Balance):
    """The balance at a month's end."""

    month: YearMonth


class Assets(Balance):
    """The balance at the end of the day, and of each month of the series."""

    day: date
    months: list[MonthBalance]
