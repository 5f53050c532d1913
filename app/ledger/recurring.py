"""The use cases of recurring transactions: each one is one transaction and answers only for one user."""

from __future__ import annotations

import uuid
from datetime import date

from app.core.database import Database
from app.core.errors import InvalidRequestError, NotFoundError
from app.ledger import generation
from app.ledger.errors import EntriesMadeError
from app.ledger.models import RecurringTransaction
from app.ledger.months import last_day, month_of, plus
from app.ledger.recurring_repository import RecurringRepository
from app.ledger.recurring_schemas import (
    Generated,
    RecurringChange,
    RecurringIn,
    RecurringOut,
    RecurringPage,
    RecurringQuery,
)
from app.ledger.schemas import TransactionOut
from app.ledger.service import refuse_stale


class Recurring:
    """One user's recurring transactions; ``today`` is the day in the ledger's time zone."""

    def __init__(self, database: Database, user_id: uuid.UUID, today: date) -> None:
        self._database = database
        self._user_id = user_id
        self._today = today

    async def page(self, query: RecurringQuery) -> RecurringPage:
        """One page of the templates."""
        size, skipped = query.page_size, (query.page - 1) * query.page_size
        async with self._database.transaction() as session:
            repository = RecurringRepository(session, self._user_id)
            rows, total = await repository.templates(query.is_active, skipped, size)
        items = [RecurringOut.model_validate(row) for row in rows]
        return RecurringPage(
            items=items, total=total, page=query.page, page_size=size, pages=-(-total // size)
        )

    async def get(self, key: uuid.UUID) -> RecurringOut:
        """Raises NotFoundError."""
        async with self._database.reading() as session:
            return RecurringOut.model_validate(
                await _existing(RecurringRepository(session, self._user_id), key)
            )

    async def create(self, wanted: RecurringIn) -> RecurringOut:
        """Raises InvalidRequestError where the category is not this user's."""
        async with self._database.transaction() as session:
            repository = RecurringRepository(session, self._user_id)
            await repository.begin_write()
            await _check_category(repository, wanted)
            row = RecurringTransaction(**wanted.model_dump())
            await repository.add(row)
            return RecurringOut.model_validate(await _existing(repository, row.id))

    async def replace(self, key: uuid.UUID, wanted: RecurringChange) -> RecurringOut:
        """Replaces every field; entries that were made stay as they are. Raises NotFoundError,
        InvalidRequestError, StaleVersionError, EntriesMadeError."""
        async with self._database.transaction() as session:
            repository = RecurringRepository(session, self._user_id)
            await repository.begin_write()
            row = await _existing(repository, key)
            refuse_stale(row.version, wanted.version)
            await _check_category(repository, wanted)
            await self._move(repository, row, wanted)
            for name, value in wanted.model_dump(exclude={"version"}).items():
                setattr(row, name, value)
            row.version += 1
            await session.flush()
            return RecurringOut.model_validate(await _existing(repository, key))

    async def _move(
        self, repository: RecurringRepository, row: RecurringTransaction, wanted: RecurringIn
    ) -> None:
        """What a new start, or a new life, means for the months that are done."""
        if wanted.start_date != row.start_date:
            if entries := await repository.entries_of(row.id):
                raise EntriesMadeError(entries=entries)
            row.generated_until = None
        if wanted.is_active and not row.is_active:
            passed = plus(month_of(self._today), -1)  # months of the pause are not made up for
            row.generated_until = max(row.generated_until or passed, passed)

    async def delete(self, key: uuid.UUID) -> None:
        """Removes the template; entries stay, and refer to nothing. Raises NotFoundError."""
        async with self._database.transaction() as session:
            repository = RecurringRepository(session, self._user_id)
            await repository.begin_write()
            await repository.delete(await _existing(repository, key))

    async def generate(self, key: uuid.UUID, until: date | None) -> Generated:
        """Makes the entries up to the end of a month, the present one unless told. Raises NotFoundError."""
        async with self._database.transaction() as session:
            repository = RecurringRepository(session, self._user_id)
            await repository.begin_write()
            template = await _existing(repository, key)
            end = last_day(until or month_of(self._today))
            made, skipped, complete = await generation.generate(repository, template, end)
            entries = [TransactionOut.model_validate(row) for row in await repository.entries(made)]
        return Generated(created=len(entries), skipped=skipped, complete=complete, entries=entries)


async def _existing(repository: RecurringRepository, key: uuid.UUID) -> RecurringTransaction:
    row = await repository.template(key)
    if row is None:
        raise NotFoundError("Recurring transaction", key)
    return row


async def _check_category(repository: RecurringRepository, wanted: RecurringIn) -> None:
    if wanted.category_id and await repository.category(wanted.category_id) is None:
        problem = {"field": "body.category_id", "problem": "is no category of this user"}
        raise InvalidRequestError(problems=[problem], total=1)
