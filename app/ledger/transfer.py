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
from typing import Any

from app.core.database import Database
from app.ledger.backup import BackupCategory, BackupFile, BackupRecurring, BackupTransaction, parse
from app.ledger.labels import join_label, split_label
from app.ledger.models import Category, RecurringTransaction, Transaction
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
    """What the user has already. ``labels`` has the defaults too; ``entries`` are rows of the file's days."""

    labels: dict[uuid.UUID, str]
    recurring: Sequence[RecurringTransaction]
    entries: Sequence[Any]


@dataclass
class Plan:
    """The rows to add, ready for bulk inserts in this order."""

    categories: list[dict[str, Any]] = field(default_factory=list)
    recurring: list[dict[str, Any]] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
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
            repository = LedgerRepository(session, self._user_id)
            await repository.begin_write()
            plan = await asyncio.to_thread(make_plan, file, await _stored(repository, file))
            await repository.add_all(Category, plan.categories)
            await repository.add_all(RecurringTransaction, plan.recurring)
            await repository.add_all(Transaction, plan.entries)
        return plan.report()

    async def export_file(self) -> BackupFile:
        """Everything of the user, in an order that depends on the content alone."""
        async with self._database.transaction() as session:
            repository = LedgerRepository(session, self._user_id)
            categories = await repository.categories()
            recurring, entries = await repository.recurring(), await repository.transactions()
        return await asyncio.to_thread(make_file, categories, recurring, entries)


async def _stored(repository: LedgerRepository, file: BackupFile) -> Stored:
    days = [entry.date for entry in file.transactions]
    entries = await repository.transactions(min(days), max(days)) if days else []
    return Stored(labels_of(await repository.categories()), await repository.recurring(), entries)


def make_plan(file: BackupFile, stored: Stored) -> Plan:
    """What the file has and the ledger has not."""
    plan = Plan()
    labels = {label: key for key, label in stored.labels.items()}  # the user's own come last and win
    for label in _labels_of(file):
        if label not in labels:
            labels[label] = uuid.uuid4()
            emoji, name = split_label(label)
            plan.categories.append({"id": labels[label], "name": name, "emoji": emoji, "is_default": False})
    templates = _plan_recurring(file.recurring_transactions, stored, labels, plan)
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
    templates: Sequence[BackupRecurring], stored: Stored, labels: Mapping[str, uuid.UUID], plan: Plan
) -> dict[int, tuple[uuid.UUID, Content]]:
    """Number in the file → (id, content), where the kth of several equal ones is the kth stored one."""
    there: dict[Content, list[uuid.UUID]] = defaultdict(list)
    for row in stored.recurring:
        there[content(row, _label(stored.labels, row))].append(row.id)
    numbered: dict[int, tuple[uuid.UUID, Content]] = {}
    for template in templates:
        same = content(template, template.category)
        if there[same]:
            key = there[same].pop(0)
            plan.recurring_skipped += 1
        else:
            key = uuid.uuid4()
            category_id = labels[template.category] if template.category else None
            values = {name: getattr(template, name) for name in CONTENT_FIELDS}
            plan.recurring.append({"id": key, "category_id": category_id, **values})
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
    """``recurring_id`` counts by the template's content: of equal templates it does not matter which."""
    there = _counted(stored)
    for entry in entries:
        key, same = templates[entry.recurring_id] if entry.recurring_id is not None else (None, None)
        values = (entry.date, entry.description, entry.amount, entry.type, entry.status)
        found = (*values, entry.category or "", same)
        if there[found] > 0:
            there[found] -= 1
            plan.entries_skipped += 1
            continue
        category_id = labels[entry.category] if entry.category else None
        references = {"id": uuid.uuid4(), "category_id": category_id, "recurring_id": key}
        names = ("date", "description", "amount", "type", "status")
        plan.entries.append(references | dict(zip(names, values, strict=True)))


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
    order = {row.id: (*map(str, content(row, _label(labels, row))), row.id) for row in recurring}
    templates = sorted(recurring, key=lambda row: order[row.id])
    numbers = {row.id: number for number, row in enumerate(templates, start=1)}
    ordered = sorted(
        (
            *(row.date, row.type, row.description, row.amount, row.status),
            _label(labels, row),
            numbers.get(row.recurring_id, 0),
        )
        for row in entries
    )
    return BackupFile.model_construct(
        transactions=[_entry(number, row) for number, row in enumerate(ordered, start=1)],
        recurring_transactions=[
            BackupRecurring.model_construct(
                id=numbers[row.id],
                category=_label(labels, row) or None,
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
    day, kind, description, amount, status, label, template = row
    return BackupTransaction.model_construct(
        id=number,
        date=day,
        description=description,
        amount=amount,
        type=kind,
        category=label or None,
        status=status,
        recurring_id=template or None,
    )
