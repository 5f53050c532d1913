"""The statements behind the lists: a few ids are found in an index first, and only their rows are read.

Whatever the page, a list is one statement, and one more where a total is asked for.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    func,
    literal_column,
    select,
    text,
    true,
    tuple_,
    union_all,
)

from app.core.database import Database
from app.dispatch.models import Dispatch, Driver, Order, Owned
from app.dispatch.paging import REACH, Found, Window
from app.dispatch.repository import WHOLE, Row, Sight
from app.dispatch.schemas import DispatchQuery, Filter, OrderQuery
from app.dispatch.statuses import KOREA

# A search's best plan depends on its words: one for all would be wrong for most. And none is worth the start
# of parallel workers, which takes longer than the search.
PLAN_EACH = text(
    "SELECT set_config('plan_cache_mode', 'force_custom_plan', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
SIMPLE: ColumnElement[str] = literal_column("'simple'")
Picks = Select[int, datetime]


class Narrow(NamedTuple):
    """Conditions on a list's rows; ``words`` is a tsquery over the order's addresses."""

    conditions: tuple[ColumnElement[bool], ...] = ()
    words: str | None = None


EVERYTHING = Narrow()


def narrow(model: type[Order] | type[Dispatch], query: OrderQuery | DispatchQuery) -> Narrow:
    """What the query's fields ask of the rows."""
    conditions = list(_days(model, query))
    if query.status:
        conditions.append(model.status == query.status)
    if isinstance(query, DispatchQuery) and query.driver_id:
        conditions.append(Dispatch.driver_id == query.driver_id)
    return Narrow(tuple(conditions), terms(query.q or ""))


def _days(model: type[Order] | type[Dispatch], query: Filter) -> list[ColumnElement[bool]]:
    found = []
    if query.date_from:
        found.append(model.created_at >= datetime.combine(query.date_from, time(), KOREA))
    if query.date_to:
        end = datetime.combine(query.date_to, time(), KOREA) + timedelta(days=1)
        found.append(model.created_at < end)
    return found


def terms(words: str) -> str | None:
    """강남구 역삼* → '강남구' & '역삼':*, None for no word. Each is quoted, so that none is an operator.
    Only a star makes a beginning: all words of one beginning are many to read."""
    found = []
    for word in words.split():
        if bare := word.rstrip("*").replace("\\", "\\\\").replace("'", "''"):
            found.append(f"'{bare}'" + ":*" * word.endswith("*"))
    return " & ".join(found) or None


Cut = Callable[[Picks], Picks]
Sources = Callable[[Cut], Picks | CompoundSelect[int, datetime]]


class Lists:
    """The lists that one account sees."""

    def __init__(self, database: Database, user_id: uuid.UUID) -> None:
        self._database = database
        self._sight = Sight(user_id)

    async def own(self, model: type[Row], window: Window, narrowed: Narrow = EVERYTHING) -> Found:
        """A part of the account's own rows."""
        mine = picks(model, narrowed).where(self._sight.own(model))
        return await self._found(model, window, narrowed, lambda cut: cut(mine))

    async def linked(self, window: Window) -> Found:
        """A part of the drivers that are linked to the account, whoever made them."""
        mine = picks(Driver, EVERYTHING).where(self._sight.linked())
        return await self._found(Driver, window, EVERYTHING, lambda cut: cut(mine))

    async def seen(self, window: Window, narrowed: Narrow) -> Found:
        """A part of the dispatches that the account made or that its linked drivers drive. The first rows of
        each driver are put beside the first own ones: an OR of both would have to sort them all."""
        mine = picks(Dispatch, narrowed).where(self._sight.own(Dispatch))
        theirs = picks(Dispatch, narrowed).where(~self._sight.own(Dispatch))
        of_driver = theirs.where(Dispatch.driver_id == Driver.id).correlate(Driver)

        def sources(cut: Cut) -> CompoundSelect[int, datetime]:
            lateral = cut(of_driver).lateral()
            linked = select(lateral.c.id, lateral.c.created_at).select_from(Driver).join(lateral, true())
            first = cut(mine).subquery()
            return union_all(select(first.c.id, first.c.created_at), linked.where(self._sight.linked()))

        return await self._found(Dispatch, window, narrowed, sources)

    async def _found(self, model: type[Row], window: Window, narrowed: Narrow, sources: Sources) -> Found:
        """Raises DatabaseAwayError, PoolExhaustedError."""
        found = sources(lambda wanted: _first(model, wanted, window)).subquery()
        order = (found.c.created_at.desc(), found.c.id.desc())
        part = select(found.c.id).order_by(*order).offset(window.offset).limit(window.size + 1).subquery()
        rows = select(model).join(part, model.id == part.c.id)
        rows = rows.order_by(model.created_at.desc(), model.id.desc())
        if model is Dispatch:
            rows = rows.options(*WHOLE)
        searching = narrowed.words is not None
        async with self._database.transaction() if searching else self._database.reading() as session:
            if searching:
                await session.execute(PLAN_EACH)
            listed = (await session.scalars(rows)).all()
            total = await session.scalar(_counted(sources)) if window.page else None
        return Found(listed, total)


def _counted(sources: Sources) -> Select[int]:
    counted = sources(lambda wanted: wanted.limit(REACH + 1)).subquery()
    most = select(counted.c.id).limit(REACH + 1).subquery()
    return select(func.count()).select_from(most)


def picks(model: type[Owned], narrowed: Narrow) -> Picks:
    """Ids and their place in the list."""
    wanted = select(model.id, model.created_at).where(*narrowed.conditions)
    if narrowed.words is None:
        return wanted
    if model is Dispatch:
        same_owner = Order.owner_id == Dispatch.owner_id  # for the index, which begins with the owner
        wanted = wanted.join(Order, (Order.id == Dispatch.order_id) & same_owner)
    return wanted.where(Order.address_search.op("@@")(func.to_tsquery(SIMPLE, narrowed.words)))


def _first(model: type[Owned], wanted: Picks, window: Window) -> Picks:
    if window.after:
        wanted = wanted.where(tuple_(model.created_at, model.id) < tuple_(*window.after))
    ordered = wanted.order_by(model.created_at.desc(), model.id.desc())
    return ordered.limit(window.offset + window.size + 1)
