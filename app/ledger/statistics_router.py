"""The routes of statistics; the work is in statistics.py."""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import APIRouter, Depends, Path, Query

from app.core.auth.current import CurrentUser
from app.core.errors import documented
from app.core.text import Month, Year
from app.ledger.months import today
from app.ledger.router import COMMON, Live
from app.ledger.schemas import Kind, Status
from app.ledger.settings import LedgerSettings
from app.ledger.statistics import Statistics, period
from app.ledger.statistics_schemas import Assets, AssetsQuery, CategoryShares, MonthlySummary, Summary

router = APIRouter(prefix="/stats", tags=["statistics"], responses=documented(*COMMON))


async def statistics_of(user: CurrentUser, context: Live) -> Statistics:
    """The asking user's statistics."""
    settings = cast(LedgerSettings, context.modules["ledger"])
    return Statistics(context.database, context.cache, user.id, settings.ledger_summary_ttl_seconds)


Mine = Annotated[Statistics, Depends(statistics_of)]
YearQuery = Annotated[Year | None, Query()]
MonthQuery = Annotated[Month | None, Query(description="Needs a year")]
StatusQuery = Annotated[Status | None, Query()]


@router.get("/summary")
async def summary(
    statistics: Mine, year: YearQuery = None, month: MonthQuery = None, status: StatusQuery = None
) -> Summary:
    """Income, expense, balance and count of a month, a year or all time."""
    return await statistics.summary(*period(year, month), status)


@router.get("/monthly/{year}/{month}")
async def monthly_summary(
    statistics: Mine,
    year: Annotated[Year, Path()],
    month: Annotated[Month, Path()],
    status: StatusQuery = None,
) -> MonthlySummary:
    """Income, expense, balance and count of one month."""
    sums = await statistics.summary(*period(year, month), status)
    return MonthlySummary(year=year, month=month, **sums.model_dump())


@router.get("/category")
async def category_shares(
    statistics: Mine,
    year: YearQuery = None,
    month: MonthQuery = None,
    status: StatusQuery = None,
    type: Annotated[Kind | None, Query()] = None,  # noqa: A002  (the query's own name)
) -> CategoryShares:
    """What each category came to in a month, a year or all time, and its share."""
    return await statistics.shares(*period(year, month), status, type)


@router.get("/assets")
async def assets(statistics: Mine, context: Live, query: Annotated[AssetsQuery, Query()]) -> Assets:
    """What all entries up to a day add up to, and the same at the end of each month of a series."""
    settings = cast(LedgerSettings, context.modules["ledger"])
    return await statistics.assets(query, today(settings.ledger_time_zone))
