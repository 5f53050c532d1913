"""The links of one account: the drivers, of whomever, that are said to be the account's owner."""

from __future__ import annotations

import uuid

from app.core.database import Database
from app.dispatch.lists import Lists
from app.dispatch.paging import Found, Window
from app.dispatch.repository import DispatchRepository
from app.dispatch.service import present


class Links:
    """One account's links."""

    def __init__(self, database: Database, user_id: uuid.UUID) -> None:
        self._database = database
        self._user_id = user_id

    async def found(self, window: Window) -> Found:
        """One part of the linked drivers."""
        return await Lists(self._database, self._user_id).linked(window)

    async def end(self, driver_id: int) -> None:
        """The driver stays, without an account. Raises NotFoundError."""
        async with self._database.transaction() as session:
            repository = DispatchRepository(session, self._user_id)
            await repository.begin_write()
            row = present(await repository.link(driver_id), "Link", driver_id)
            row.user_id = None
            await repository.flush()
            await repository.grow(self._user_id)
