"""Dispatch's rows. Who sees what is said here, by ``Sight``, and nowhere else.

Locks are taken in one order: accounts, order, dispatch, driver, books; what is only
referred to is held so that it may change, but not go. So no two writes wait for each other.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import BindParameter, ColumnElement, Select, bindparam, delete, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app.core.auth.users import User, hold_accounts
from app.dispatch.errors import refusal
from app.dispatch.models import (
    Dispatch,
    DispatchBook,
    DispatchStep,
    Driver,
    DriverLocation,
    Order,
    Owned,
)
from app.dispatch.statuses import ACTIVE, DispatchStatus

Row = TypeVar("Row", bound=Owned)
# Written into the statement, so that the partial index of running dispatches fits it.
UNDER_WAY: BindParameter[Any] = bindparam("under_way", ACTIVE, expanding=True, literal_execute=True)
WHOLE = tuple(
    joinedload(part, innerjoin=True) for part in (Dispatch.order, Dispatch.vehicle, Dispatch.driver)
)


class Sight:
    """The rows that one account sees, as conditions."""

    def __init__(self, user_id: uuid.UUID) -> None:
        self._user_id = user_id

    def own(self, model: type[Row]) -> ColumnElement[bool]:
        """The rows that the account made."""
        return model.owner_id == self._user_id

    def linked(self) -> ColumnElement[bool]:
        """The drivers whose own account this is, whoever made the row."""
        return Driver.user_id == self._user_id

    def seen(self) -> ColumnElement[bool]:
        """The dispatches that the account made, and those of the drivers it is linked to."""
        return or_(self.own(Dispatch), Dispatch.driver_id.in_(select(Driver.id).where(self.linked())))


class DispatchRepository(Sight):
    """What one account sees, in one session."""

    def __init__(self, session: AsyncSession, user_id: uuid.UUID) -> None:
        super().__init__(user_id)
        self._session = session

    async def begin_write(self, *accounts: uuid.UUID, driver: int = 0, dispatch: int = 0) -> None:
        """Holds everybody whose view the write may change: these, the driver's or the dispatch's. Raises
        InvalidTokenError where the account itself is gone."""
        found: list[Select[Any]] = [select(User.id).where(User.id.in_(accounts))] if accounts else []
        if dispatch:
            found.append(select(Dispatch.owner_id).where(Dispatch.id == dispatch))
        if driver or dispatch:
            driven = select(Dispatch.driver_id).where(Dispatch.id == dispatch).scalar_subquery()
            found.append(select(Driver.user_id).where(Driver.id == (driver or driven)))
        await hold_accounts(self._session, self._user_id, *found)

    async def find(self, model: type[Row], key: int, *, lock: bool = False) -> Row | None:
        """An own row, None where it does not exist or is another user's."""
        wanted = select(model).where(model.id == key, self.own(model))
        return await self._one(_locked(wanted) if lock else wanted)

    async def held(self, model: type[Row], key: int) -> Row | None:
        """An own row that is not removed before the commit."""
        wanted = select(model).where(model.id == key, self.own(model))
        return await self._one(wanted.with_for_update(read=True, key_share=True))

    async def dispatch(self, key: int, *, mobile: bool = False) -> Dispatch | None:
        """A dispatch with all that belongs to it; ``mobile``: also one of a driver who is linked."""
        wanted = select(Dispatch).where(Dispatch.id == key, self._visible(mobile)).options(*WHOLE)
        return await self._one(wanted)

    async def locked(self, key: int, *, mobile: bool) -> tuple[Order, Dispatch, Driver] | None:
        """The dispatch's order, itself and its driver, which nobody else changes until the commit."""
        wanted = select(Dispatch).where(Dispatch.id == key, self._visible(mobile))
        found = await self._one(wanted)
        if found is None:
            return None
        order = await self._one(_locked(select(Order).where(Order.id == found.order_id)))
        dispatch = await self._one(_locked(select(Dispatch).where(Dispatch.id == key)))
        driver = await self._linked(select(Driver).where(Driver.id == found.driver_id))
        return (order, dispatch, driver) if order and dispatch and driver else None

    async def held_driver(self, key: int) -> Driver | None:
        """An own driver, who is not linked to another account before the commit."""
        return await self._linked(select(Driver).where(Driver.id == key, self.own(Driver)))

    async def link(self, key: int) -> Driver | None:
        """A driver linked to the account, whoever made the row; nobody else changes it before the commit."""
        return await self._one(_locked(select(Driver).where(Driver.id == key, self.linked())))

    def _visible(self, mobile: bool) -> ColumnElement[bool]:
        return self.seen() if mobile else self.own(Dispatch)

    async def _linked(self, wanted: Select[Driver]) -> Driver | None:
        return await self._one(wanted.with_for_update(read=True))

    async def _one(self, wanted: Select[Row]) -> Row | None:
        found: Row | None = await self._session.scalar(wanted.execution_options(populate_existing=True))
        return found

    async def add(self, row: Owned) -> None:
        """Adds the row as this user's. Raises what a violated constraint means."""
        row.owner_id = self._user_id
        self._session.add(row)
        await self.flush()

    async def delete(self, row: Owned) -> None:
        """Removes the row. Raises ConflictError where others refer to it."""
        await self._session.delete(row)
        await self.flush()

    async def flush(self) -> None:
        """Sends what was changed. Raises what a violated constraint means."""
        try:
            await self._session.flush()
        except IntegrityError as error:
            raise refusal(error) from error

    async def take_step(self, dispatch: Dispatch, status: DispatchStatus) -> None:
        """Notes that this account gave the dispatch its status now."""
        step = DispatchStep(dispatch_id=dispatch.id, status=status, user_id=self._user_id)
        self._session.add(step)
        await self.flush()

    async def steps(self, key: int) -> Sequence[DispatchStep]:
        """A visible dispatch's history, oldest first."""
        wanted = select(DispatchStep).where(DispatchStep.dispatch_id == key).order_by(DispatchStep.id)
        return (await self._session.scalars(wanted)).all()

    async def grow(self, *accounts: uuid.UUID | None) -> None:
        """Raises the revisions of everybody who sees what was written; the last statement of every write, in
        the order of the ids, so that its locks are short and never crossed."""
        seen = sorted({account for account in accounts if account is not None})
        for account in seen:
            await self._session.execute(
                upsert(DispatchBook)
                .values(user_id=account, revision=1)
                .on_conflict_do_update(
                    index_elements=["user_id"], set_={"revision": DispatchBook.revision + 1}
                )
            )

    async def revision(self) -> int:
        """Grows with every write that changes what the account sees; 0 before the first."""
        wanted = select(DispatchBook.revision).where(DispatchBook.user_id == self._user_id)
        return await self._session.scalar(wanted) or 0

    async def is_account(self, user_id: uuid.UUID) -> bool:
        """Whether somebody has this id."""
        return await self._session.scalar(select(User.id).where(User.id == user_id)) is not None

    async def counts(self, midnight: datetime) -> Sequence[tuple[str, int, int]]:
        """(status, all, made since midnight) of the dispatches that are seen."""
        linked = select(Driver.id).where(self.linked())
        parts = (self.own(Dispatch), Dispatch.driver_id.in_(linked) & ~self.own(Dispatch))
        counted: dict[str, tuple[int, int]] = {}
        for condition in parts:  # in two: an OR of both cannot use either index
            today = func.count().filter(Dispatch.created_at >= midnight)
            wanted = select(Dispatch.status, func.count(), today).where(condition).group_by(Dispatch.status)
            for status, every, new in await self._session.execute(wanted):
                before = counted.get(status, (0, 0))
                counted[status] = (before[0] + every, before[1] + new)
        return [(status, *numbers) for status, numbers in counted.items()]

    async def drivers_to_report_for(self, wanted: int | None) -> Sequence[int]:
        """The drivers meant, at most two, who stay until the commit: the one wanted, else the own one linked
        to the account, else own ones, else others' that are linked and on a dispatch. Whoever knows the
        account may have linked it, and gets no place by that alone."""
        if wanted is not None:
            return await self._reporting(Driver.id == wanted, or_(self.linked(), self.own(Driver)))
        driven = exists().where(Dispatch.driver_id == Driver.id, Dispatch.status.in_(UNDER_WAY))
        for mine in ((self.linked(), self.own(Driver)), (self.own(Driver),), (self.linked(), driven)):
            if found := await self._reporting(*mine):
                return found
        return ()

    async def _reporting(self, *mine: ColumnElement[bool]) -> Sequence[int]:
        wanted = select(Driver.id).where(*mine).limit(2)
        return (await self._session.scalars(wanted.with_for_update(read=True, key_share=True))).all()

    async def locate(self, values: dict[str, Any]) -> None:
        """Stores where a driver was; the same moment again changes nothing."""
        await self._session.execute(upsert(DriverLocation).values(values).on_conflict_do_nothing())

    async def locations(self, driver_id: int, before: datetime | None, size: int) -> Sequence[DriverLocation]:
        """Where an own driver was, newest first."""
        wanted = select(DriverLocation).where(DriverLocation.driver_id == driver_id)
        if before:
            wanted = wanted.where(DriverLocation.recorded_at < before)
        return (
            await self._session.scalars(wanted.order_by(DriverLocation.recorded_at.desc()).limit(size))
        ).all()


def _locked(wanted: Select[Row]) -> Select[Row]:
    """Against other changes and removal, but not against rows that refer to it: whoever removes what this row
    refers to looks at those."""
    return wanted.with_for_update(key_share=True)


async def forget_locations(session: AsyncSession, before: datetime, most: int) -> int:
    """Removes at most so many locations of everybody's drivers from before the moment; how many it were."""
    old = select(DriverLocation.driver_id, DriverLocation.recorded_at)
    old = old.where(DriverLocation.recorded_at < before).limit(most)
    keys = func.row(DriverLocation.driver_id, DriverLocation.recorded_at)
    done = await session.execute(delete(DriverLocation).where(keys.in_(old)))
    return int(done.rowcount)  # type: ignore[attr-defined]
