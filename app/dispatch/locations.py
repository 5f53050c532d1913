"""Where drivers are: the newest for the dispatcher, a short history, and nothing older than RETENTION."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from app.core.context import Context
from app.core.database import Database
from app.core.errors import InvalidRequestError, NotFoundError
from app.dispatch.fields import RETENTION
from app.dispatch.models import Driver
from app.dispatch.repository import DispatchRepository, forget_locations
from app.dispatch.schemas import LocationIn, LocationOut, LocationQuery
from app.dispatch.service import present

NO_DRIVER = "the account has no driver that is its own or on a dispatch"
FORGET_AT_ONCE = 10_000  # rows of one transaction: short enough for its time-out and for the locks
FORGET_CRON = "23 * * * *"


class Locations:
    """The locations that one account reports and sees."""

    def __init__(self, database: Database, user_id: uuid.UUID) -> None:
        self._database = database
        self._user_id = user_id

    async def report(self, wanted: LocationIn) -> LocationOut:
        """Stores where the account's driver is. Raises InvalidRequestError where it is not clear which."""
        values = wanted.model_dump()
        values["recorded_at"] = wanted.recorded_at or datetime.now(UTC)
        async with self._database.transaction() as session:
            repository = DispatchRepository(session, self._user_id)
            values["driver_id"] = await _driver(repository, wanted.driver_id)
            await repository.locate(values)
        return LocationOut(**values)

    async def latest(self, driver_id: int) -> LocationOut:
        """The newest of an own driver. Raises NotFoundError where there is none."""
        found = await self.history(driver_id, LocationQuery(page_size=1))
        if not found:
            raise NotFoundError("Location", driver_id)
        return found[0]

    async def history(self, driver_id: int, query: LocationQuery) -> list[LocationOut]:
        """Of an own driver, newest first. Raises NotFoundError."""
        async with self._database.reading() as session:
            repository = DispatchRepository(session, self._user_id)
            present(await repository.find(Driver, driver_id), "Driver", driver_id)
            rows = await repository.locations(driver_id, query.before, query.page_size)
        return [LocationOut.model_validate(row) for row in rows]


async def _driver(repository: DispatchRepository, wanted: int | None) -> int:
    found = await repository.drivers_to_report_for(wanted)
    if len(found) != 1:
        problem = "is needed: the account has several drivers" if found else NO_DRIVER
        problem = problem if wanted is None else "is no driver of this user"
        raise InvalidRequestError(problems=[{"field": "body.driver_id", "problem": problem}], total=1)
    return found[0]


async def forget(context: Context) -> None:
    """Removes locations older than RETENTION; run twice, it changes nothing the second time."""
    removed = FORGET_AT_ONCE
    while removed == FORGET_AT_ONCE:
        async with context.database.transaction() as session:
            removed = await forget_locations(session, datetime.now(UTC) - RETENTION, FORGET_AT_ONCE)
