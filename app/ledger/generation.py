"""Makes scheduled entries from templates: which months are due, and the schedule that does it for everybody.

A month is made once: the book's lock lets one writer of a user work at a time, ``generated_until`` says what
is done, and a unique index on the template and its month holds whatever else may come.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.core.context import Context
from app.core.database import Database, sqlstate
from app.core.errors import DatabaseAwayError, PoolExhaustedError
from app.core.logs import logger
from app.ledger.models import RecurringTransaction
from app.ledger.months import day_in, distance, month_of, plus, today
from app.ledger.recurring_repository import RecurringRepository
from app.ledger.schemas import Status
from app.ledger.settings import LedgerSettings

MOST_MONTHS = 120  # of one template in one transaction
log = logger(__name__)


class Due(NamedTuple):
    """The months to look at now, how many were done before, and whether more are left than may be done."""

    months: list[date]
    done: int
    complete: bool


class Made(NamedTuple):
    """The new entries, how many months had theirs already, and whether nothing is left."""

    entries: list[uuid.UUID]
    skipped: int
    complete: bool


def due(template: Any, until: date) -> Due:
    """What is due of a template (a row of it, or the columns of one) up to a day."""
    if not template.is_active:
        return Due([], 0, True)
    month = month_of(until)
    last = month if day_in(month, template.day_of_month) <= until else plus(month, -1)
    last = min(last, template.end_date or last)
    first = template.start_date
    if template.generated_until:
        first = max(first, plus(template.generated_until, 1))
    count = max(0, distance(first, last) + 1)
    total = max(0, distance(template.start_date, last) + 1)
    return Due([plus(first, n) for n in range(min(count, MOST_MONTHS))], total - count, count <= MOST_MONTHS)


async def generate(repository: RecurringRepository, template: RecurringTransaction, until: date) -> Made:
    """Makes the entries of the template that are due up to the day, at most 120. The caller holds the book's
    lock since before it read the template."""
    months, done, complete = due(template, until)
    if not months:
        return Made([], done, complete)
    there = await repository.months_there(template.id, months[0], months[-1])
    wanted = [entry(template, month) for month in months if month not in there]
    made = await repository.add_entries(wanted)
    await repository.mark_done(template.id, months[-1])
    return Made(made, done + len(months) - len(made), complete)


def entry(template: RecurringTransaction, month: date) -> dict[str, Any]:
    """The scheduled entry of a month, without its owner."""
    return {
        "date": day_in(month, template.day_of_month),
        "description": template.description,
        "amount": template.amount,
        "type": template.type,
        "category_id": template.category_id,
        "status": Status.SCHEDULED,
        "recurring_id": template.id,
        "occurrence": month,
    }


async def templates_due(session: AsyncSession, day: date) -> dict[uuid.UUID, list[uuid.UUID]]:
    """User → templates with something due up to the day. The ledger's one query over all users."""
    month, template = month_of(day), RecurringTransaction
    unfinished = or_(template.generated_until.is_(None), template.generated_until < month)
    running = or_(
        template.end_date.is_(None),
        template.generated_until.is_(None),
        template.end_date > template.generated_until,
    )
    columns = (template.id, template.user_id, template.is_active, template.start_date, template.end_date)
    rows = await session.execute(
        select(*columns, template.day_of_month, template.generated_until).where(
            template.is_active, template.start_date <= month, unfinished, running
        )
    )
    found: dict[uuid.UUID, list[uuid.UUID]] = defaultdict(list)
    for row in rows:
        if due(row, day).months:
            found[row.user_id].append(row.id)
    return found


async def generate_for(
    database: Database, user_id: uuid.UUID, templates: Sequence[uuid.UUID], day: date
) -> int:
    """How many entries were made of one user's templates, each in transactions of its own."""
    made = 0
    for key in templates:
        complete = False
        while not complete:
            async with database.transaction() as session:
                repository = RecurringRepository(session, user_id)
                await repository.begin_write()
                template = await repository.template(key)
                if template is None:
                    break
                entries, _, complete = await generate(repository, template, day)
            made += len(entries)
    return made


async def generate_due(context: Context, now: datetime | None = None) -> None:
    """The schedule: makes what is due of everybody's active templates up to today in LEDGER_TIME_ZONE. Twice,
    even at once, makes nothing twice; what fails for one user is tried again the next time. Raises
    DatabaseAwayError, PoolExhaustedError."""
    settings = cast(LedgerSettings, context.modules["ledger"])
    day = today(settings.ledger_time_zone, now)
    async with context.database.transaction() as session:
        found = await templates_due(session, day)
    made = failed = 0
    for user_id, templates in found.items():
        try:
            made += await generate_for(context.database, user_id, templates, day)
        except (DatabaseAwayError, PoolExhaustedError):
            raise
        except Exception as error:  # whatever one user's rows hold must not cost the others theirs
            failed += 1
            reason, state = type(error).__name__, sqlstate(error)
            log.error("generation failed", user_id=str(user_id), reason=reason, sqlstate=state)  # noqa: TRY400
    log.info("entries generated", day=str(day), users=len(found), entries=made, failed_users=failed)
