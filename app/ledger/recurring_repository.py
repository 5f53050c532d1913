"""The queries of recurring transactions, narrowed to one user as all of the ledger's are."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload

from app.ledger.models import RecurringTransaction, Transaction
from app.ledger.repository import LedgerRepository

# The month that an entry stands for: the one it was made for, else the one of its day.
MONTH: ColumnElement[date] = func.coalesce(
    Transaction.occurrence, cast(func.date_trunc("month", Transaction.date), Date)
)


class RecurringRepository(LedgerRepository):
    """One user's templates and what was made from them."""

    async def templates(
        self, is_active: bool | None, skipped: int, size: int
    ) -> tuple[Sequence[RecurringTransaction], int]:
        """One page by name, and the number of all templates that the filter lets through."""
        narrowed = self._own(RecurringTransaction)
        if is_active is not None:
            narrowed = narrowed.where(RecurringTransaction.is_active == is_active)
        total = await self._session.scalar(select(func.count()).select_from(narrowed.subquery()))
        order = (RecurringTransaction.template_name, RecurringTransaction.id)
        wanted = narrowed.options(joinedload(RecurringTransaction.category)).order_by(*order)
        return (await self._session.scalars(wanted.offset(skipped).limit(size))).all(), total or 0

    async def entries_of(self, key: uuid.UUID) -> int:
        """How many entries refer to the template."""
        own = self._own(Transaction).where(Transaction.recurring_id == key)
        return await self._session.scalar(select(func.count()).select_from(own.subquery())) or 0

    async def months_there(self, key: uuid.UUID, first: date, last: date) -> set[date]:
        """The months from the first to the last for which the template has an entry."""
        wanted = select(MONTH).where(
            Transaction.user_id == self._user_id,
            Transaction.recurring_id == key,
            MONTH.between(first, last),
        )
        return set(await self._session.scalars(wanted))

    async def occurrences(self) -> set[tuple[uuid.UUID, date]]:
        """Every (template, month) that has its entry."""
        wanted = select(Transaction.recurring_id, Transaction.occurrence).where(
            Transaction.user_id == self._user_id, Transaction.occurrence.is_not(None)
        )
        return {(key, month) for key, month in await self._session.execute(wanted) if key and month}

    async def add_entries(self, rows: list[dict[str, Any]]) -> list[uuid.UUID]:
        """Adds generated entries as this user's, none for a month that has one; the ids of the new ones."""
        if not rows:
            return []
        own = [row | {"user_id": self._user_id} for row in rows]
        made = insert(Transaction).values(own).on_conflict_do_nothing().returning(Transaction.id)
        return list(await self._session.scalars(made))

    async def entries(self, keys: list[uuid.UUID]) -> Sequence[Transaction]:
        """These entries with their categories, by day."""
        wanted = self._own(Transaction).where(Transaction.id.in_(keys)).order_by(Transaction.date)
        return (await self._session.scalars(wanted.options(joinedload(Transaction.category)))).all()

    async def mark_done(self, key: uuid.UUID, month: date) -> None:
        """Notes that months up to this one are generated. It is no change of the user's: ``updated_at`` and
        ``version`` stay."""
        await self._session.execute(
            update(RecurringTransaction)
            .where(RecurringTransaction.id == key, RecurringTransaction.user_id == self._user_id)
            .values(generated_until=month, updated_at=RecurringTransaction.updated_at)
        )
