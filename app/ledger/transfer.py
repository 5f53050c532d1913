"""Import and export of one user's whole ledger, all or nothing.

Numbers in a file are the browser's own, so rows are matched by content, with multiplicity: a file with two
equal entries brings the stored count of that entry up to two. Importing a file again adds nothing, and an
export imported into an empty ledger gives the same export.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from app.core.database import Database
from app.ledger.backup import (
    BackupCategory,
    BackupFile,
    BackupRecurring,
    BackupTransaction,
    done_until,
    last_months,
    parse,
)
from app.ledger.labels import join_label, split_label
from app.ledger.models import Category, RecurringTransaction, Transaction
from app.ledger.recurring_repository import RecurringRepository
from app.ledger.repository import LedgerRepository
from app.ledger.schemas import ImportReport

Content = tuple[Any, ...]  # what makes two rows the same
CONTENT_FIELDS = (
    "template_name",
    "description",
    "amount",
    "type",
    "frequency",
    "start_date",
    "end_date",
    "day_of_month",
    "is_active",
    "is_variable_amount",
)


@dataclass
class Stored:
    """What the user has already. ``labels`` has the defaults too; ``entries`` are rows of the file's days,
    and ``taken`` the months of templates that have their entry."""

    labels: dict[uuid.UUID, str]
    recurring: Sequence[RecurringTransaction]
    entries: Sequence[Any]
    taken: set[tuple[uuid.UUID, date]]


@dataclass
class Plan:
    """The rows to add, ready for bulk inserts in this order, and the templates of which more is done now."""

    categories: list[dict[str, Any]] = field(default_factory=list)
    recurring: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    done: dict[uuid.UUID, date] = field(default_factory=dict)
    recurring_skipped: int = 0
    entries_skipped: int = 0

    def report(self) -> ImportReport:
        """What applying the plan does."""
        return ImportReport(
            imported=len(self.entries),
            skipped=self.entries_skipped,
            recurring_imported=len(self.recurring),
            recurring_skipped=self.recurring_skipped,
            categories_created=[join_label(row["emoji"], row["name"]) for row in self.categories],
        )


class Transfer:
    """One user's import and export."""

    def __init__(self, database: Database, user_id: uuid.UUID) -> None:
        self._database = database
        self._user_id = user_id

    async def import_file(self, body: Any) -> ImportReport:
        """Raises BackupRefusedError, with nothing written. Two imports at once run one after the other."""
        file = await asyncio.to_thread(parse, body)
        async with self._database.transaction() as session:
            repository = RecurringRepository(session, self._user_id)
            await repository.begin_write()
            plan = await asyncio.to_thread(make_plan, file, await _stored(repository, file))
            await repository.add_all(Category, plan.categories)
            await repository.add_all(RecurringTransaction, plan.recurring)
            await repository.add_all(Transaction, plan.entries)
            for key, month in plan.done.items():
                await repository.mark_done(key, month)
        return plan.report()

    async def export_file(self) -> BackupFile:
        """Everything of the user at one moment, in an order that depends on the content alone."""
        async with self._database.snapshot() as session:
            repository = LedgerRepository(session, self._user_id)
            categories = await repository.categories()
            recurring, entries = await repository.recurring(), await repository.transactions()
        return await asyncio.to_thread(make_file, categories, recurring, entries)


async def _stored(repository: RecurringRepository, file: BackupFile) -> Stored:
    days = [entry.date for entry in file.transactions]
    entries = await repository.transactions(min(days), max(days)) if days else []
    labels, recurring = labels_of(await repository.categories()), await repository.recurring()
    return Stored(labels, recurring, entries, await repository.occurrences())


def make_plan(file: BackupFile, stored: Stored) -> Plan:
    """What the file has and the ledger has not."""
    plan = Plan()
    labels = {label: key for key, label in stored.labels.items()}  # the user's own come last and win
    for label in _labels_of(file):
        if label not in labels:
            labels[label] = uuid.uuid4()
            emoji, name = split_label(label)
            plan.categories.append({"id": labels[label], "name": name, "emoji": emoji, "is_default": False})
    templates = _plan_recurring(file, stored, labels, plan)
    _plan_entries(file.transactions, stored, labels, templates, plan)
    return plan


def _labels_of(file: BackupFile) -> Iterable[str]:
    yield from (join_label(category.emoji, category.name) for category in file.categories)
    rows: list[BackupRecurring | BackupTransaction] = [*file.recurring_transactions, *file.transactions]
    yield from (row.category for row in rows if row.category)


def labels_of(categories: Sequence[Category]) -> dict[uuid.UUID, str]:
    """Each category in one string."""
    return {category.id: join_label(category.emoji, category.name) for category in categories}


def content(template: BackupRecurring | RecurringTransaction, label: str | None) -> Content:
    """Two templates with the same content are the same template."""
    return (label or "", *(getattr(template, name) for name in CONTENT_FIELDS))


def _plan_recurring(
    file: BackupFile, stored: Stored, labels: Mapping[str, uuid.UUID], plan: Plan
) -> dict[int, tuple[uuid.UUID, Content]]:
    """Number in the file → (id, content), where the kth of several equal ones is the kth stored one."""
    there: dict[Content, list[RecurringTransaction]] = defaultdict(list)
    for row in stored.recurring:
        there[content(row, _label(stored.labels, row))].append(row)
    numbered: dict[int, tuple[uuid.UUID, Content]] = {}
    last = last_months(file.transactions)
    for template in file.recurring_transactions:
        same, done = content(template, template.category), done_until(template, last)
        if there[same]:
            row = there[same].pop(0)
            key = row.id
            plan.recurring_skipped += 1
            if done and done > (row.generated_until or date.min):
                plan.done[key] = done
        else:
            key = uuid.uuid4()
            category_id = labels[template.category] if template.category else None
            values = {name: getattr(template, name) for name in CONTENT_FIELDS}
            values |= {"id": key, "category_id": category_id, "generated_until": done}
            plan.recurring.append(values)
        if template.id is not None:
            numbered[template.id] = (key, same)
    return numbered


def _plan_entries(
    entries: Sequence[BackupTransaction],
    stored: Stored,
    labels: Mapping[str, uuid.UUID],
    templates: Mapping[int, tuple[uuid.UUID, Content]],
    plan: Plan,
) -> None:
    """``recurring_id`` counts by the template's content: of equal templates it does not matter which. A month
    that has its entry is no other's, so an edited and a restored one can both stay."""
    there, taken = _counted(stored), set(stored.taken)
    for entry in entries:
        key, same = templates[entry.recurring_id] if entry.recurring_id is not None else (None, None)
        values = (entry.date, entry.description, entry.amount, entry.type, entry.status)
        found = (*values, entry.category or "", same)
        if there[found] > 0:
            there[found] -= 1
            plan.entries_skipped += 1
            continue
        category_id = labels[entry.category] if entry.category else None
        month = _take(taken, key, entry.occurrence)
        references = {"category_id": category_id, "recurring_id": key, "occurrence": month}
        names = ("date", "description", "amount", "type", "status")
        plan.entries.append({"id": uuid.uuid4()} | references | dict(zip(names, values, strict=True)))


def _take(taken: set[tuple[uuid.UUID, date]], key: uuid.UUID | None, month: date | None) -> date | None:
    """The month, where there is a template and no other entry has it."""
    if key is None or month is None or (key, month) in taken:
        return None
    taken.add((key, month))
    return month


def _counted(stored: Stored) -> Counter[Content]:
    """How often each content is stored."""
    contents = {row.id: content(row, _label(stored.labels, row)) for row in stored.recurring}
    return Counter(
        (
            *(row.date, row.description, row.amount, row.type, row.status),
            _label(stored.labels, row),
            contents.get(row.recurring_id),
        )
        for row in stored.entries
    )


def make_file(
    categories: Sequence[Category], recurring: Sequence[RecurringTransaction], entries: Sequence[Any]
) -> BackupFile:
    """The user's own categories, templates and entries, numbered from 1 in the order of their content."""
    labels = labels_of(categories)
    own = sorted((category.emoji, category.name) for category in categories if not category.is_default)
    order = {
        row.id: (*map(str, (*content(row, _label(labels, row)), row.generated_until)), row.id)
        for row in recurring
    }
    templates = sorted(recurring, key=lambda row: order[row.id])
    numbers = {row.id: number for number, row in enumerate(templates, start=1)}
    ordered = sorted(
        (
            *(row.date, row.type, row.description, row.amount, row.status),
            _label(labels, row),
            numbers.get(row.recurring_id, 0),
            row.occurrence if row.recurring_id and row.occurrence else date.min,
        )
        for row in entries
    )
    return BackupFile.model_construct(
        transactions=[_entry(number, row) for number, row in enumerate(ordered, start=1)],
        recurring_transactions=[
            BackupRecurring.model_construct(
                id=numbers[row.id],
                category=_label(labels, row) or None,
                generated_until=row.generated_until,
                **{name: getattr(row, name) for name in CONTENT_FIELDS},
            )
            for row in templates
        ],
        categories=[
            BackupCategory.model_construct(id=number, emoji=emoji, name=name)
            for number, (emoji, name) in enumerate(own, start=1)
        ],
    )


def _label(labels: Mapping[uuid.UUID, str], row: Any) -> str:
    return labels.get(row.category_id, "")


def _entry(number: int, row: Content) -> BackupTransaction:
    day, kind, description, amount, status, label, template, month = row
    return BackupTransaction.model_construct(
        id=number,
        date=day,
        description=description,
        amount=amount,
        type=kind,
        category=label or None,
        status=status,
        recurring_id=template or None,
        occurrence=None if month == date.min else month,
    )
