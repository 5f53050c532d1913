"""The ledger's queries. Every one is narrowed to one user here, and nowhere else."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, func, insert, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.core.auth.users import hold_accounts
from app.ledger.cursor import Place
from app.ledger.models import Book, Category, RecurringTransaction, Transaction
from app.ledger.schemas import TransactionFilter

NEWEST_FIRST = (Transaction.date.desc(), Transaction.created_at.desc(), Transaction.id.desc())
PLACE = tuple_(Transaction.date, Transaction.created_at, Transaction.id)
Row = Transaction | Category | RecurringTransaction


class LedgerRepository:
    """One user's rows, in one session."""

    def __init__(self, session: AsyncSession, user_id: uuid.UUID) -> None:
        self._session = session
        self._user_id = user_id

    def _own(self, model: type[Transaction] | type[RecurringTransaction]) -> Select[Any]:
        return select(model).where(model.user_id == self._user_id)

    async def begin_write(self) -> None:
        """Raises the book's revision. The row's lock makes this user's other writers wait for the commit.
        Raises InvalidTokenError where the user is gone."""
        await hold_accounts(self._session, self._user_id)
        row = {"user_id": self._user_id, "revision": 1}
        grown = {"revision": Book.revision + 1}
        await self._session.execute(
            upsert(Book).values(row).on_conflict_do_update(index_elements=["user_id"], set_=grown)
        )

    async def revision(self) -> int:
        """The book's revision, 0 before the first write."""
        return await self._session.scalar(select(Book.revision).where(Book.user_id == self._user_id)) or 0

    async def transaction(self, key: uuid.UUID) -> Transaction | None:
        """The entry with its category, None where it does not exist or is another user's."""
        wanted = self._own(Transaction).where(Transaction.id == key).options(joinedload(Transaction.category))
        found: Transaction | None = await self._session.scalar(
            wanted.execution_options(populate_existing=True)
        )
        return found

    async def page(self, chosen: TransactionFilter, skipped: int, size: int) -> Sequence[Transaction]:
        """At most ``size`` entries of those chosen, newest first, without the ``skipped`` first."""
        return await self._listed(_narrow(self._own(Transaction), chosen).offset(skipped).limit(size))

    async def after(self, chosen: TransactionFilter, place: Place, size: int) -> Sequence[Transaction]:
        """At most ``size`` entries that come after the place."""
        narrowed = _narrow(self._own(Transaction), chosen)
        return await self._listed(narrowed.where((place.d, place.c, place.i) > PLACE).limit(size))

    async def count(self, chosen: TransactionFilter) -> int:
        """How many entries the filter lets through."""
        narrowed = _narrow(self._own(Transaction), chosen)
        return await self._session.scalar(select(func.count()).select_from(narrowed.subquery())) or 0

    async def _listed(self, query: Select[Any]) -> Sequence[Transaction]:
        wanted = query.options(joinedload(Transaction.category)).order_by(*NEWEST_FIRST)
        return (await self._session.scalars(wanted)).all()

    async def categories(self) -> Sequence[Category]:
        """The defaults in the order they were made, then the user's own by name."""
        visible = select(Category).where(or_(Category.user_id == self._user_id, Category.user_id.is_(None)))
        order = (Category.is_default.desc(), Category.created_at, Category.name, Category.id)
        return (await self._session.scalars(visible.order_by(*order))).all()

    async def category(self, key: uuid.UUID) -> Category | None:
        """A visible category: the user's own or a default."""
        mine = or_(Category.user_id == self._user_id, Category.user_id.is_(None))
        found: Category | None = await self._session.scalar(select(Category).where(Category.id == key, mine))
        return found

    async def uses(self, category: Category) -> int:
        """How many entries and templates of this user have the category."""
        used = 0
        for model in (Transaction, RecurringTransaction):
            own = self._own(model).where(model.category_id == category.id)
            used += await self._session.scalar(select(func.count()).select_from(own.subquery())) or 0
        return used

    async def template(self, key: uuid.UUID) -> RecurringTransaction | None:
        """The template with its category, None where it does not exist or is another user's."""
        wanted = self._own(RecurringTransaction).where(RecurringTransaction.id == key)
        found: RecurringTransaction | None = await self._session.scalar(
            wanted.options(joinedload(RecurringTransaction.category)).execution_options(
                populate_existing=True
            )
        )
        return found

    async def recurring(self) -> Sequence[RecurringTransaction]:
        """All templates with their categories, in a fixed order."""
        wanted = self._own(RecurringTransaction).options(joinedload(RecurringTransaction.category))
        return (await self._session.scalars(wanted.order_by(RecurringTransaction.id))).all()

    async def transactions(self, first: date = date.min, last: date = date.max) -> Sequence[Any]:
        """Rows (date, description, amount, type, category_id, status, recurring_id, occurrence), in bulk."""
        columns = (
            Transaction.date,
            Transaction.description,
            Transaction.amount,
            Transaction.type,
            Transaction.category_id,
            Transaction.status,
            Transaction.recurring_id,
            Transaction.occurrence,
        )
        own = [Transaction.user_id == self._user_id, Transaction.date.between(first, last)]
        return (await self._session.execute(select(*columns).where(*own))).all()

    async def add(self, row: Row) -> None:
        """Adds the row as this user's and sends it. Raises IntegrityError."""
        row.user_id = self._user_id
        self._session.add(row)
        await self._session.flush()

    async def delete(self, row: Row) -> None:
        """Removes the row. Raises IntegrityError."""
        await self._session.delete(row)
        await self._session.flush()

    async def add_all(
        self,
        model: type[Row],
        rows: list[dict[str, Any]],
    ) -> None:
        """Adds many rows as this user's, in one round trip."""
        if rows:
            await self._session.execute(insert(model), [row | {"user_id": self._user_id} for row in rows])


def _narrow(query: Select[Any], chosen: TransactionFilter) -> Select[Any]:
    if chosen.date_from:
        query = query.where(Transaction.date >= chosen.date_from)
    if chosen.date_to:
        query = query.where(Transaction.date <= chosen.date_to)
    if chosen.type:
        query = query.where(Transaction.type == chosen.type)
    if chosen.status:
        query = query.where(Transaction.status == chosen.status)
    if chosen.q:
        query = query.where(Transaction.description.icontains(chosen.q, autoescape=True))
    if chosen.category:
        query = query.where(Transaction.category_id.in_(_categories_named(chosen.category)))
    return query


def _categories_named(text: str) -> Select[uuid.UUID]:
    try:
        return select(Category.id).where(Category.id == uuid.UUID(text))
    except ValueError:
        label = func.concat(Category.emoji, " ", Category.name)
        return select(Category.id).where(or_(Category.name == text, label == text))
