"""The sums of statistics, narrowed to one user as all of the ledger's queries are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Date, case, cast, func, select

from app.ledger.models import Category, Transaction
from app.ledger.repository import LedgerRepository
from app.ledger.schemas import Kind, Status

ZERO = Decimal("0.00")
SIGNED = case((Transaction.type == Kind.INCOME, Transaction.amount), else_=-Transaction.amount)
CONFIRMED = case((Transaction.status == Status.CONFIRMED, SIGNED))


def _sum(amount: ColumnElement[Any]) -> ColumnElement[Decimal]:
    return func.coalesce(func.sum(amount), ZERO)


class StatisticsRepository(LedgerRepository):
    """One user's sums; money is exact."""

    def _chosen(self, first: date, last: date, status: Status | None) -> list[ColumnElement[bool]]:
        own = [Transaction.user_id == self._user_id, Transaction.date.between(first, last)]
        return [*own, Transaction.status == status] if status else own

    async def sums(self, first: date, last: date, status: Status | None) -> tuple[Decimal, Decimal, int]:
        """(income, expense, count) from the first to the last day."""
        income, expense = (
            _sum(case((Transaction.type == kind, Transaction.amount))) for kind in (Kind.INCOME, Kind.EXPENSE)
        )
        wanted = select(income, expense, func.count()).where(*self._chosen(first, last, status))
        row = (await self._session.execute(wanted)).one()
        return row[0], row[1], row[2]

    async def by_category(
        self, first: date, last: date, status: Status | None, kind: Kind | None
    ) -> Sequence[Any]:
        """Rows (Category or None, type, amount, count), the largest amount first."""
        amount = func.sum(Transaction.amount)
        grouped = (
            select(Transaction.category_id, Transaction.type, amount.label("amount"), func.count().label("n"))
            .where(*self._chosen(first, last, status))
            .group_by(Transaction.category_id, Transaction.type)
        )
        sums = (grouped.where(Transaction.type == kind) if kind else grouped).subquery()
        wanted = (
            select(Category, sums.c.type, sums.c.amount, sums.c.n)
            .select_from(sums)
            .outerjoin(Category, Category.id == sums.c.category_id)
            .order_by(sums.c.amount.desc(), sums.c.type, Category.name, Category.id)
        )
        return (await self._session.execute(wanted)).all()

    async def balance(self, last: date) -> tuple[Decimal, Decimal]:
        """(confirmed, with what is planned) of everything up to the day."""
        wanted = select(_sum(CONFIRMED), _sum(SIGNED)).where(*self._chosen(date.min, last, None))
        row = (await self._session.execute(wanted)).one()
        return row[0], row[1]

    async def months(self, first: date, last: date) -> dict[date, tuple[Decimal, Decimal]]:
        """Month → (confirmed, with what is planned) of its own entries, from the first to the last day; not
        the months without entries."""
        month = cast(func.date_trunc("month", Transaction.date), Date)
        wanted = select(month, _sum(CONFIRMED), _sum(SIGNED)).where(*self._chosen(first, last, None))
        rows = (await self._session.execute(wanted.group_by(month))).all()
        return {row[0]: (row[1], row[2]) for row in rows}
