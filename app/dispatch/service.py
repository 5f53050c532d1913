"""The use cases of orders and dispatches: each one is one transaction and answers only for one account."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, time
from typing import TypeVar

from sqlalchemy import func

from app.core.cache import Cache
from app.core.database import Database
from app.core.errors import ConflictError, InvalidRequestError, NotFoundError, StaleVersionError
from app.dispatch.errors import BusyError, TransitionError
from app.dispatch.lists import Lists, narrow
from app.dispatch.models import Client, Dispatch, Order, Owned, Vehicle
from app.dispatch.paging import part
from app.dispatch.repository import DispatchRepository
from app.dispatch.schemas import (
    DispatchDetail,
    DispatchIn,
    DispatchList,
    DispatchOut,
    DispatchQuery,
    OrderChange,
    OrderIn,
    OrderList,
    OrderOut,
    OrderQuery,
    StatusChange,
    StepOut,
    Summary,
)
from app.dispatch.statuses import (
    FINAL_ORDERS,
    KOREA,
    ORDER_THEN,
    STAGES,
    DispatchStatus,
    OrderStatus,
    allowed_after,
)

Row = TypeVar("Row")


class Freight:
    """One account's orders and dispatches."""

    def __init__(self, database: Database, cache: Cache, user_id: uuid.UUID, summary_seconds: int) -> None:
        self._database = database
        self._cache = cache
        self._user_id = user_id
        self._summary_seconds = summary_seconds
        self._lists = Lists(database, user_id)

    @asynccontextmanager
    async def _work(self, *, driver: int = 0, dispatch: int = 0) -> AsyncIterator[DispatchRepository]:
        async with self._database.transaction() as session:
            repository = DispatchRepository(session, self._user_id)
            await repository.begin_write(driver=driver, dispatch=dispatch)
            yield repository

    @asynccontextmanager
    async def _look(self) -> AsyncIterator[DispatchRepository]:
        async with self._database.reading() as session:
            yield DispatchRepository(session, self._user_id)

    async def orders(self, query: OrderQuery) -> OrderList:
        """One part of the own orders that the filter lets through."""
        window = query.window()
        found = await self._lists.own(Order, window, narrow(Order, query))
        return part(OrderList, OrderOut, found, window)

    async def order(self, key: int) -> OrderOut:
        """Raises NotFoundError."""
        async with self._look() as repository:
            return OrderOut.model_validate(present(await repository.find(Order, key), "Order", key))

    async def create_order(self, wanted: OrderIn) -> OrderOut:
        """Raises InvalidRequestError where the client is not this user's."""
        async with self._work() as repository:
            refuse_missing(client_id=await repository.held(Client, wanted.client_id))
            row = Order(**wanted.model_dump())
            await repository.add(row)
            return OrderOut.model_validate(row)

    async def replace_order(self, key: int, wanted: OrderChange) -> OrderOut:
        """Raises NotFoundError, StaleVersionError, InvalidRequestError, ConflictError of a final order."""
        async with self._work() as repository:
            row = present(await repository.find(Order, key, lock=True), "Order", key)
            check_version(row, wanted.version)
            if row.status in FINAL_ORDERS:
                raise ConflictError("A completed or cancelled order is not changed", status=row.status)
            refuse_missing(client_id=await repository.held(Client, wanted.client_id))
            for name, value in wanted.model_dump(exclude={"version"}).items():
                setattr(row, name, value)
            await repository.flush()
            return OrderOut.model_validate(row)

    async def cancel_order(self, key: int, version: int | None) -> OrderOut:
        """Raises NotFoundError, StaleVersionError, TransitionError. Cancelled again it stays as it is."""
        async with self._work() as repository:
            row = present(await repository.find(Order, key, lock=True), "Order", key)
            if row.status != OrderStatus.CANCELLED:
                check_version(row, version)
                allowed = ORDER_THEN[OrderStatus(row.status)]
                if OrderStatus.CANCELLED not in allowed:
                    raise TransitionError(row.status, allowed)
                row.status = OrderStatus.CANCELLED
                await repository.flush()
            return OrderOut.model_validate(row)

    async def delete_order(self, key: int) -> None:
        """Raises NotFoundError, and ConflictError where it was ever dispatched."""
        async with self._work() as repository:
            await repository.delete(present(await repository.find(Order, key, lock=True), "Order", key))

    async def dispatches(self, query: DispatchQuery, *, mobile: bool = False) -> DispatchList:
        """One part of the dispatches that the filter lets through; ``mobile``: linked drivers' ones too."""
        window, narrowed = query.window(), narrow(Dispatch, query)
        if mobile:
            found = await self._lists.seen(window, narrowed)
        else:
            found = await self._lists.own(Dispatch, window, narrowed)
        return part(DispatchList, DispatchOut, found, window)

    async def dispatch(self, key: int) -> DispatchDetail:
        """With its history. Raises NotFoundError."""
        async with self._database.snapshot() as session:
            repository = DispatchRepository(session, self._user_id)
            row = present(await repository.dispatch(key), "Dispatch", key)
            history = [StepOut.model_validate(step) for step in await repository.steps(key)]
        return DispatchDetail(**DispatchOut.model_validate(row).model_dump(), history=history)

    async def create_dispatch(self, wanted: DispatchIn) -> DispatchOut:
        """Raises InvalidRequestError for what is not this user's, TransitionError where the order is over,
        BusyError where the order, the vehicle or the driver is on its way."""
        async with self._work(driver=wanted.driver_id) as repository:
            order = await repository.find(Order, wanted.order_id, lock=True)
            driver = await repository.held_driver(wanted.driver_id)
            vehicle = await repository.held(Vehicle, wanted.vehicle_id)
            refuse_missing(order_id=order, vehicle_id=vehicle, driver_id=driver)
            assert order and driver  # noqa: S101  (refused above)
            if order.status in FINAL_ORDERS:
                raise TransitionError(order.status, ORDER_THEN[OrderStatus(order.status)])
            if order.status != OrderStatus.PENDING:
                raise BusyError("order")
            row = Dispatch(**wanted.model_dump(), status=DispatchStatus.ASSIGNED)
            await repository.add(row)
            order.status = OrderStatus.ASSIGNED
            await repository.take_step(row, DispatchStatus.ASSIGNED)
            await repository.grow(self._user_id, driver.user_id)
            return DispatchOut.model_validate(present(await repository.dispatch(row.id), "Dispatch", row.id))

    async def change_status(self, key: int, wanted: StatusChange, *, mobile: bool = False) -> DispatchOut:
        """The dispatch's next status, and its order's. The present status again changes nothing. Raises
        NotFoundError, StaleVersionError, TransitionError."""
        async with self._work(dispatch=key) as repository:
            found = await repository.locked(key, mobile=mobile)
            order, row, driver = present(found, "Dispatch", key)
            if row.status != wanted.status:
                check_version(row, wanted.version)
                by_driver = row.owner_id != self._user_id
                allowed = allowed_after(DispatchStatus(row.status), driver=by_driver)
                if wanted.status not in allowed:
                    raise TransitionError(row.status, allowed)
                row.status, row.status_at = wanted.status, func.now()
                order.status = STAGES[wanted.status].order
                await repository.take_step(row, wanted.status)
                await repository.grow(row.owner_id, driver.user_id)
            whole = await repository.dispatch(key, mobile=mobile)
            return DispatchOut.model_validate(present(whole, "Dispatch", key))

    async def summary(self) -> Summary:
        """Counts of the dispatches that are seen, from the cache where nothing was written since."""
        day = datetime.now(KOREA).date()
        async with self._look() as repository:
            revision = await repository.revision()
        key = f"dispatch:summary:1:{self._user_id}:{revision}:{day}"

        async def compute() -> str:
            async with self._look() as repository:
                counts = await repository.counts(datetime.combine(day, time(), KOREA))
            every = {status: number for status, number, _ in counts}
            today = {status: number for status, _, number in counts}
            return Summary(
                day=day,
                total=sum(every.values()),
                by_status={status: every.get(status, 0) for status in DispatchStatus},
                today={status: today.get(status, 0) for status in DispatchStatus},
            ).model_dump_json()

        return Summary.model_validate_json(
            await self._cache.get_or_compute(key, self._summary_seconds, compute)
        )


def present(row: Row | None, resource: str, key: int) -> Row:
    """The row. Raises NotFoundError where there is none."""
    if row is None:
        raise NotFoundError(resource, key)
    return row


def check_version(row: Owned, expected: int | None) -> None:
    """Raises StaleVersionError where another version was expected; none means any."""
    if expected is not None and row.version != expected:
        raise StaleVersionError(version=row.version)


def refuse_missing(**references: object | None) -> None:
    """Raises InvalidRequestError naming every reference that leads to nothing of this user's."""
    problems = [
        {"field": f"body.{name}", "problem": f"is no {name.removesuffix('_id')} of this user"}
        for name, row in references.items()
        if row is None
    ]
    if problems:
        raise InvalidRequestError(problems=problems, total=len(problems))
