"""The ledger's use cases: each one is one transaction and answers only for one user."""

from __future__ import annotations

import calendar
import uuid
from datetime import date

from app.core.cache import Cache
from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, NotFoundError
from app.ledger.errors import CategoryInUseError, DefaultCategoryError
from app.ledger.models import Category, Transaction
from app.ledger.repository import LedgerRepository
from app.ledger.schemas import (
    CategoryIn,
    CategoryOut,
    Status,
    Summary,
    TransactionFilter,
    TransactionIn,
    TransactionOut,
    TransactionPage,
)


class Ledger:
    """One user's ledger."""

    def __init__(self, database: Database, cache: Cache, user_id: uuid.UUID, summary_seconds: int) -> None:
        self._database = database
        self._cache = cache
        self._user_id = user_id
        self._summary_seconds = summary_seconds

    async def page(self, chosen: TransactionFilter, page: int, size: int) -> TransactionPage:
        """One page of the entries that the filter lets through."""
        async with self._database.transaction() as session:
            rows, total = await LedgerRepository(session, self._user_id).page(chosen, page, size)
        items = [TransactionOut.model_validate(row) for row in rows]
        return TransactionPage(items=items, total=total, page=page, page_size=size, pages=-(-total // size))

    async def get(self, key: uuid.UUID) -> TransactionOut:
        """Raises NotFoundError."""
        async with self._database.transaction() as session:
            return TransactionOut.model_validate(
                await _existing(LedgerRepository(session, self._user_id), key)
            )

    async def create(self, entry: TransactionIn) -> TransactionOut:
        """Raises InvalidRequestError where the category or the template is not this user's."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            await _check_references(repository, entry)
            row = Transaction(**entry.model_dump())
            await repository.add(row)
            return TransactionOut.model_validate(await _existing(repository, row.id))

    async def replace(self, key: uuid.UUID, entry: TransactionIn) -> TransactionOut:
        """Replaces every field. Raises NotFoundError, InvalidRequestError."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            row = await _existing(repository, key)
            await _check_references(repository, entry)
            for name, value in entry.model_dump().items():
                setattr(row, name, value)
            await session.flush()
            return TransactionOut.model_validate(await _existing(repository, key))

    async def delete(self, key: uuid.UUID) -> None:
        """Raises NotFoundError."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            await repository.delete(await _existing(repository, key))

    async def summary(self, first: date, last: date, status: Status | None) -> Summary:
        """Sums from the first to the last day, from the cache where nothing was written since."""
        async with self._database.transaction() as session:
            revision = await LedgerRepository(session, self._user_id).revision()
        key = f"ledger:summary:1:{self._user_id}:{revision}:{first}:{last}:{status or 'all'}"

        async def compute() -> str:
            async with self._database.transaction() as session:
                repository = LedgerRepository(session, self._user_id)
                income, expense, count = await repository.sums(first, last, status)
            balance = income - expense
            return Summary(income=income, expense=expense, balance=balance, count=count).model_dump_json()

        return Summary.model_validate_json(
            await self._cache.get_or_compute(key, self._summary_seconds, compute)
        )

    async def categories(self) -> list[CategoryOut]:
        """The defaults and the user's own."""
        async with self._database.transaction() as session:
            rows = await LedgerRepository(session, self._user_id).categories()
        return [CategoryOut.model_validate(row) for row in rows]

    async def create_category(self, wanted: CategoryIn) -> CategoryOut:
        """Raises ConflictError where the same one is visible already."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            await _refuse_twin(repository, wanted)
            row = Category(**wanted.model_dump(), is_default=False)
            await repository.add(row)
            return CategoryOut.model_validate(row)

    async def replace_category(self, key: uuid.UUID, wanted: CategoryIn) -> CategoryOut:
        """Raises NotFoundError, DefaultCategoryError, ConflictError."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            row = await _own_category(repository, key)
            await _refuse_twin(repository, wanted, but=key)
            row.name, row.emoji = wanted.name, wanted.emoji
            await session.flush()
            return CategoryOut.model_validate(row)

    async def delete_category(self, key: uuid.UUID) -> None:
        """Raises NotFoundError, DefaultCategoryError, CategoryInUseError."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            row = await _own_category(repository, key)
            if used := await repository.uses(row):
                raise CategoryInUseError(entries=used)
            await repository.delete(row)


def period(year: int | None, month: int | None) -> tuple[date, date]:
    """The first and the last day of a month, a year, or all time. Raises InvalidRequestError for a month
    without a year."""
    if year is None:
        if month is not None:
            raise InvalidRequestError(problems=[{"field": "query.month", "problem": "needs a year"}], total=1)
        return date.min, date.max
    last_month = month or 12
    return date(year, month or 1, 1), date(year, last_month, calendar.monthrange(year, last_month)[1])


async def _existing(repository: LedgerRepository, key: uuid.UUID) -> Transaction:
    row = await repository.transaction(key)
    if row is None:
        raise NotFoundError("Transaction", key)
    return row


async def _own_category(repository: LedgerRepository, key: uuid.UUID) -> Category:
    row = await repository.category(key)
    if row is None:
        raise NotFoundError("Category", key)
    if row.is_default:
        raise DefaultCategoryError
    return row


async def _refuse_twin(
    repository: LedgerRepository, wanted: CategoryIn, but: uuid.UUID | None = None
) -> None:
    for row in await repository.categories():
        if (row.name, row.emoji) == (wanted.name, wanted.emoji) and row.id != but:
            raise ConflictError("There is such a category already", id=str(row.id))


async def _check_references(repository: LedgerRepository, entry: TransactionIn) -> None:
    problems = []
    if entry.category_id and await repository.category(entry.category_id) is None:
        problems.append({"field": "body.category_id", "problem": "is no category of this user"})
    if entry.recurring_id and not await repository.has_recurring(entry.recurring_id):
        problems.append({"field": "body.recurring_id", "problem": "is no recurring transaction of this user"})
    if problems:
        raise InvalidRequestError(problems=problems, total=len(problems))
