"""The routes of recurring transactions; the work is in recurring.py and generation.py."""

from __future__ import annotations

import uuid
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Query

from app.core.auth.current import CurrentUser
from app.core.errors import documented
from app.core.exact import ExactRoute
from app.ledger.months import YearMonth, today
from app.ledger.recurring import Recurring
from app.ledger.recurring_schemas import (
    Generated,
    RecurringChange,
    RecurringIn,
    RecurringOut,
    RecurringPage,
    RecurringQuery,
)
from app.ledger.router import COMMON, Live
from app.ledger.settings import LedgerSettings

router = APIRouter(
    prefix="/recurring",
    tags=["recurring transactions"],
    responses=documented(*COMMON),
    route_class=ExactRoute,
)


async def recurring_of(user: CurrentUser, context: Live) -> Recurring:
    """The asking user's recurring transactions, today."""
    settings = cast(LedgerSettings, context.modules["ledger"])
    return Recurring(context.database, user.id, today(settings.ledger_time_zone))


Mine = Annotated[Recurring, Depends(recurring_of)]


@router.get("")
async def list_recurring(recurring: Mine, query: Annotated[RecurringQuery, Query()]) -> RecurringPage:
    """Recurring transactions by name."""
    return await recurring.page(query)


@router.post("", status_code=201)
async def create_recurring(recurring: Mine, template: RecurringIn) -> RecurringOut:
    """Adds a recurring transaction. The schedule makes an entry on each day that it is due."""
    return await recurring.create(template)


@router.get("/{recurring_id}", responses=documented("ERR_1002"))
async def get_recurring(recurring: Mine, recurring_id: uuid.UUID) -> RecurringOut:
    """One recurring transaction."""
    return await recurring.get(recurring_id)


@router.put("/{recurring_id}", responses=documented("ERR_1002", "ERR_1504", "ERR_1507"))
async def replace_recurring(
    recurring: Mine, recurring_id: uuid.UUID, template: RecurringChange
) -> RecurringOut:
    """Replaces every field. Entries that were made stay as they are, so the start cannot change while there
    are some. Months that pass while it is inactive are not made up for."""
    return await recurring.replace(recurring_id, template)


@router.delete("/{recurring_id}", status_code=204, responses=documented("ERR_1002"))
async def delete_recurring(recurring: Mine, recurring_id: uuid.UUID) -> None:
    """Removes a recurring transaction; entries that were made of it stay."""
    await recurring.delete(recurring_id)


@router.post("/{recurring_id}/generate", responses=documented("ERR_1002"))
async def generate_entries(
    recurring: Mine,
    recurring_id: uuid.UUID,
    until: Annotated[
        YearMonth | None, Query(description="The last month; the present one unless told")
    ] = None,
) -> Generated:
    """Makes the scheduled entries from the start to the end of a month that were not made yet: calling again
    makes nothing. An entry that was moved or removed since is not made again; at most 120 in one call."""
    return await recurring.generate(recurring_id, until)
