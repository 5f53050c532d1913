"""Summaries, shares of categories and assets, each kept in the cache until the book is written to."""

from __future__ import annotations

import calendar
import uuid
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter

from app.core.cache import Cache
from app.core.database import Database
from app.core.errors import InvalidRequestError
from app.core.text import FIRST_YEAR
from app.ledger.months import distance, last_day, month_of, plus
from app.ledger.schemas import CategoryOut, Kind, Status
from app.ledger.statistics_repository import ZERO, StatisticsRepository
from app.ledger.statistics_schemas import (
    Assets,
    AssetsQuery,
    CategoryShare,
    CategoryShares,
    MonthBalance,
    Summary,
)

MOST_MONTHS = 120  # of one series
USUAL_MONTHS = 12
FIRST_MONTH = date(FIRST_YEAR, 1, 1)
WHOLE = 100_00  # hundredths of a percent
Answer = TypeVar("Answer", bound=BaseModel)


class Statistics:
    """One user's statistics. ``seconds`` is how long an answer may be kept."""

    def __init__(self, database: Database, cache: Cache, user_id: uuid.UUID, seconds: int) -> None:
        self._database = database
        self._cache = cache
        self._user_id = user_id
        self._seconds = seconds

    async def _kept(
        self, model: type[Answer], key: str, compute: Callable[[StatisticsRepository], Awaitable[Answer]]
    ) -> Answer:
        """The answer from the cache where nothing was written since: the book's revision is in the key."""
        async with self._database.reading() as session:
            revision = await StatisticsRepository(session, self._user_id).revision()

        async def computed() -> Answer:
            async with self._database.snapshot() as session:
                return await compute(StatisticsRepository(session, self._user_id))

        whole = f"ledger:{model.__name__}:2:{self._user_id}:{revision}:{key}"
        return await self._cache.get_or_compute_as(TypeAdapter(model), whole, self._seconds, computed)

    async def summary(self, first: date, last: date, status: Status | None) -> Summary:
        """Sums from the first to the last day."""

        async def compute(repository: StatisticsRepository) -> Summary:
            income, expense, count = await repository.sums(first, last, status)
            return Summary(income=income, expense=expense, balance=income - expense, count=count)

        return await self._kept(Summary, f"{first}:{last}:{status or 'all'}", compute)

    async def shares(
        self, first: date, last: date, status: Status | None, kind: Kind | None
    ) -> CategoryShares:
        """What each category came to from the first to the last day."""

        async def compute(repository: StatisticsRepository) -> CategoryShares:
            rows = await repository.by_category(first, last, status, kind)
            parts = {one: percentages([row[2] for row in rows if row[1] == one]) for one in Kind}
            items = [
                CategoryShare(
                    category=CategoryOut.model_validate(category) if category else None,
                    type=type_,
                    amount=amount,
                    count=count,
                    share=parts[type_].pop(0),
                )
                for category, type_, amount, count in rows
            ]
            income, expense = (sum((i.amount for i in items if i.type == one), ZERO) for one in Kind)
            return CategoryShares(income=income, expense=expense, items=items)

        return await self._kept(CategoryShares, f"{first}:{last}:{status or 'all'}:{kind or 'all'}", compute)

    async def assets(self, query: AssetsQuery, today: date) -> Assets:
        """Raises InvalidRequestError where the series is too long or ends before it begins."""
        day = query.day or today
        last = query.last or month_of(day)
        first = query.first or max(FIRST_MONTH, plus(last, 1 - USUAL_MONTHS))
        if not 0 <= distance(first, last) < MOST_MONTHS:
            text = f"must not be after to, nor {MOST_MONTHS} months or more before it"
            raise InvalidRequestError(problems=[{"field": "query.from", "problem": text}], total=1)

        async def compute(repository: StatisticsRepository) -> Assets:
            confirmed, expected = await repository.balance(day)
            months = await _series(repository, first, last)
            return Assets(day=day, confirmed=confirmed, expected=expected, months=months)

        return await self._kept(Assets, f"{day}:{first}:{last}", compute)


async def _series(repository: StatisticsRepository, first: date, last: date) -> list[MonthBalance]:
    confirmed, expected = await repository.balance(first - timedelta(days=1))
    moved = await repository.months(first, last_day(last))
    series = []
    for month in (plus(first, n) for n in range(distance(first, last) + 1)):
        more = moved.get(month, (ZERO, ZERO))
        confirmed, expected = confirmed + more[0], expected + more[1]
        series.append(MonthBalance(month=month, confirmed=confirmed, expected=expected))
    return series


def percentages(amounts: Sequence[Decimal]) -> list[Decimal]:
    """Each amount's share of their sum in percent with two decimals, adding up to exactly 100.00: what
    rounding down leaves goes to the largest remainders (Hare's method). All 0.00 of a sum of nothing."""
    total = sum(amounts, ZERO)
    if not total:
        return [ZERO for _ in amounts]
    parts = [divmod(amount * WHOLE, total) for amount in amounts]
    missing = WHOLE - int(sum(whole for whole, _ in parts))
    by_remainder = sorted(range(len(parts)), key=lambda n: parts[n][1], reverse=True)
    lifted = set(by_remainder[:missing])
    return [(whole + (n in lifted)) / 100 for n, (whole, _) in enumerate(parts)]


def period(year: int | None, month: int | None) -> tuple[date, date]:
    """The first and the last day of a month, a year, or all time. Raises InvalidRequestError for a month
    without a year."""
    if year is None:
        if month is not None:
            raise InvalidRequestError(problems=[{"field": "query.month", "problem": "needs a year"}], total=1)
        return date.min, date.max
    last_month = month or 12
    return date(year, month or 1, 1), date(year, last_month, calendar.monthrange(year, last_month)[1])
