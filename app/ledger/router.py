"""The ledger's routes: what they take and give; the work is in service.py."""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query

from app.core.auth.current import CurrentUser
from app.core.context import Context, context_of
from app.core.errors import documented
from app.core.exact import ExactRoute
from app.core.text import Day, Month, Year
from app.ledger.schemas import (
    CategoryIn,
    CategoryOut,
    MonthQuery,
    TransactionChange,
    TransactionFilter,
    TransactionIn,
    TransactionOut,
    TransactionPage,
    TransactionQuery,
)
from app.ledger.service import Ledger
from app.ledger.statistics import period

COMMON = ("ERR_1001", "ERR_1100", "ERR_1101", "ERR_1200", "ERR_1201")
router = APIRouter(responses=documented(*COMMON), route_class=ExactRoute)
Live = Annotated[Context, Depends(context_of)]


async def ledger_of(user: CurrentUser, context: Live) -> Ledger:
    """The asking user's ledger."""
    return Ledger(context.database, user.id)


Mine = Annotated[Ledger, Depends(ledger_of)]
YearPath = Annotated[Year, Path()]
MonthPath = Annotated[Month, Path()]


@router.get("/transactions", tags=["transactions"])
async def list_transactions(ledger: Mine, query: Annotated[TransactionQuery, Query()]) -> TransactionPage:
    """Entries, newest day first, by pages or from a cursor on."""
    return await ledger.page(query, query)


@router.post("/transactions", tags=["transactions"], status_code=201)
async def create_transaction(ledger: Mine, entry: TransactionIn) -> TransactionOut:
    """Adds an entry."""
    return await ledger.create(entry)


@router.get("/transactions/by-date/{day}", tags=["transactions"])
async def transactions_of_a_day(
    ledger: Mine, day: Annotated[Day, Path()], query: Annotated[MonthQuery, Query()]
) -> TransactionPage:
    """The entries of one day."""
    return await ledger.page(TransactionFilter(date_from=day, date_to=day), query)


@router.get("/transactions/by-month/{year}/{month}", tags=["transactions"])
async def transactions_of_a_month(
    ledger: Mine, year: YearPath, month: MonthPath, query: Annotated[MonthQuery, Query()]
) -> TransactionPage:
    """The entries of one month."""
    first, last = period(year, month)
    return await ledger.page(TransactionFilter(date_from=first, date_to=last), query)


@router.get("/transactions/{transaction_id}", tags=["transactions"], responses=documented("ERR_1002"))
async def get_transaction(ledger: Mine, transaction_id: uuid.UUID) -> TransactionOut:
    """One entry."""
    return await ledger.get(transaction_id)


@router.put(
    "/transactions/{transaction_id}", tags=["transactions"], responses=documented("ERR_1002", "ERR_1504")
)
async def replace_transaction(
    ledger: Mine, transaction_id: uuid.UUID, entry: TransactionChange
) -> TransactionOut:
    """Replaces every field of an entry; with ``version`` only while nobody else has changed it."""
    return await ledger.replace(transaction_id, entry)


@router.delete(
    "/transactions/{transaction_id}", tags=["transactions"], status_code=204, responses=documented("ERR_1002")
)
async def delete_transaction(ledger: Mine, transaction_id: uuid.UUID) -> None:
    """Removes an entry."""
    await ledger.delete(transaction_id)


@router.get("/categories", tags=["categories"])
async def list_categories(ledger: Mine) -> list[CategoryOut]:
    """The defaults, then the user's own."""
    return await ledger.categories()


@router.post("/categories", tags=["categories"], status_code=201, responses=documented("ERR_1003"))
async def create_category(ledger: Mine, category: CategoryIn) -> CategoryOut:
    """Adds a category of one's own."""
    return await ledger.create_category(category)


@router.put(
    "/categories/{category_id}",
    tags=["categories"],
    responses=documented("ERR_1002", "ERR_1003", "ERR_1502"),
)
async def replace_category(ledger: Mine, category_id: uuid.UUID, category: CategoryIn) -> CategoryOut:
    """Renames a category of one's own."""
    return await ledger.replace_category(category_id, category)


@router.delete(
    "/categories/{category_id}",
    tags=["categories"],
    status_code=204,
    responses=documented("ERR_1002", "ERR_1501", "ERR_1502"),
)
async def delete_category(ledger: Mine, category_id: uuid.UUID) -> None:
    """Removes a category of one's own that no entry uses."""
    await ledger.delete_category(category_id)
