"""The ledger's use cases: each one is one transaction and answers only for one user."""

from __future__ import annotations

import uuid

from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, NotFoundError, StaleVersionError
from app.ledger import cursor
from app.ledger.errors import CategoryInUseError, DefaultCategoryError
from app.ledger.models import Category, Transaction
from app.ledger.repository import LedgerRepository
from app.ledger.schemas import (
    CategoryIn,
    CategoryOut,
    Paging,
    TransactionChange,
    TransactionFilter,
    TransactionIn,
    TransactionOut,
    TransactionPage,
)


class Ledger:
    """One user's ledger."""

    def __init__(self, database: Database, user_id: uuid.UUID) -> None:
        self._database = database
        self._user_id = user_id

    async def page(self, chosen: TransactionFilter, paging: Paging) -> TransactionPage:
        """The entries that the filter lets through: one page of them, or those after the cursor's place."""
        size, total = paging.page_size, None
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            if paging.cursor:
                rows = await repository.after(chosen, paging.cursor, size + 1)
            else:
                rows = await repository.page(chosen, (paging.page - 1) * size, size + 1)
                total = await repository.count(chosen)
        shown, more = rows[:size], len(rows) > size
        return TransactionPage(
            items=[TransactionOut.model_validate(row) for row in shown],
            total=total,
            page=None if paging.cursor else paging.page,
            page_size=size,
            pages=None if total is None else -(-total // size),
            next_cursor=cursor.write(_place(shown[-1])) if more else None,
        )

    async def get(self, key: uuid.UUID) -> TransactionOut:
        """Raises NotFoundError."""
        async with self._database.reading() as session:
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

    async def replace(self, key: uuid.UUID, entry: TransactionChange) -> TransactionOut:
        """Replaces every field. Raises NotFoundError, InvalidRequestError, StaleVersionError."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            row = await _existing(repository, key)
            refuse_stale(row.version, entry.version)
            await _check_references(repository, entry)
            if entry.recurring_id != row.recurring_id:
                row.occurrence = None
            for name, value in entry.model_dump(exclude={"version"}).items():
                setattr(row, name, value)
            row.version += 1
            await session.flush()
            return TransactionOut.model_validate(await _existing(repository, key))

    async def delete(self, key: uuid.UUID) -> None:
        """Raises NotFoundError."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            await repository.delete(await _existing(repository, key))

    async def categories(self) -> list[CategoryOut]:
        """The defaults and the user's own."""
        async with self._database.reading() as session:
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


def refuse_stale(present: int, read: int | None) -> None:
    """Raises StaleVersionError where the client read another version than the present one."""
    if read not in (None, present):
        raise StaleVersionError(version=present)


def _place(row: Transaction) -> cursor.Place:
    return cursor.Place(d=row.date, c=row.created_at, i=row.id)


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
    if entry.recurring_id and await repository.template(entry.recurring_id) is None:
        problems.append({"field": "body.recurring_id", "problem": "is no recurring transaction of this user"})
    if problems:
        raise InvalidRequestError(problems=problems, total=len(problems))
