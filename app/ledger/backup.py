"""The IndexedDB export format (seed 002 §1.1): reading it with every problem at once, and writing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StrictInt,
    ValidationError,
)

from app.core.errors import DETAILS, field_path
from app.core.text import Day, Money, Name, Text
from app.ledger.errors import BackupRefusedError
from app.ledger.labels import MAX_EMOJI, MAX_NAME, split_label
from app.ledger.months import YearMonth, month_of
from app.ledger.schemas import MAX_DESCRIPTION, CategoryIn, Kind, Status

TABLES = ("transactions", "recurring_transactions", "categories")
Row = TypeVar("Row", bound=BaseModel)
Problems = list[dict[str, str]]


def _label(value: str) -> str:
    if not value.strip():
        raise ValueError("must not be blank")
    emoji, name = split_label(value.strip())
    if len(name) > MAX_NAME:
        raise ValueError(f"must have a name of at most {MAX_NAME} characters")
    return f"{emoji} {name.strip()}" if emoji else name


def number(amount: Decimal) -> int | float:
    """The JSON number that JavaScript would write; exact, since a double carries 15 digits."""
    return int(amount) if amount == amount.to_integral_value() else float(amount)


Amount = Annotated[Money, PlainSerializer(number, when_used="json")]
Label = Annotated[Text, AfterValidator(_label), Field(examples=["🍚 식비"])]
Description = Annotated[Text, Field(max_length=MAX_DESCRIPTION)]
Key = Annotated[StrictInt, Field(ge=0, le=2**53)]


class BackupTransaction(BaseModel):
    """One entry; ``recurring_id`` points into recurring_transactions of the same file. ``occurrence`` is ours
    alone: the month of the template that the entry was made for, wherever it was moved."""

    model_config = ConfigDict(frozen=True)
    id: Key | None = None
    date: Day
    description: Description
    amount: Amount
    type: Kind
    category: Label | None = None
    status: Status = Status.CONFIRMED
    recurring_id: Key | None = None
    occurrence: YearMonth | None = None


class BackupRecurring(BaseModel):
    """One template. ``category`` and ``generated_until`` are ours. A file of the browser's application has
    neither; its templates count as done up to the last entry that refers to them."""

    model_config = ConfigDict(frozen=True)
    id: Key | None = None
    template_name: Annotated[Name, Field(max_length=255)]
    description: Description
    amount: Amount
    type: Kind
    category: Label | None = None
    frequency: Literal["monthly"] = "monthly"
    start_date: YearMonth
    end_date: YearMonth | None = None
    day_of_month: Annotated[StrictInt, Field(ge=1, le=31)]
    is_active: StrictBool = True
    is_variable_amount: StrictBool = False
    generated_until: YearMonth | None = None


class BackupCategory(CategoryIn):
    """A category of the user's own."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: Key | None = None
    name: Annotated[Name, Field(max_length=MAX_NAME)]
    emoji: Annotated[Text, Field(max_length=MAX_EMOJI)] = ""


class BackupFile(BaseModel):
    """The whole file. Other keys, of the file or of a row, are not read."""

    transactions: list[BackupTransaction] = Field(default_factory=list)
    recurring_transactions: list[BackupRecurring] = Field(default_factory=list)
    categories: list[BackupCategory] = Field(default_factory=list)


@dataclass
class _Reader:
    """Reads row by row, so that one bad row hides no other."""

    body: dict[str, Any]
    problems: Problems

    def rows(self, table: str, model: type[Row]) -> dict[int, Row]:
        """The good rows by index; the others' problems are noted."""
        listed = self.body.get(table, [])
        if not isinstance(listed, list):
            self.problems.append({"field": table, "problem": "must be a list"})
            return {}
        good: dict[int, Row] = {}
        for index, row in enumerate(listed):
            try:
                good[index] = model.model_validate(row)
            except ValidationError as error:
                self.problems += [
                    {"field": field_path((table, index, *entry["loc"])), "problem": _message(entry)}
                    for entry in error.errors(include_url=False, include_input=False)
                ]
        return good


def parse(body: Any) -> BackupFile:
    """The file's rows. Raises BackupRefusedError with all problems, at most 100 of them listed."""
    if not isinstance(body, dict) or not any(table in body for table in TABLES):
        raise refused([{"field": "body", "problem": f"must be an object with {', '.join(TABLES)}"}])
    reader = _Reader(body, [])
    transactions = reader.rows("transactions", BackupTransaction)
    recurring = reader.rows("recurring_transactions", BackupRecurring)
    categories = reader.rows("categories", BackupCategory)
    reader.problems += _cross_check(body, transactions, recurring)
    if reader.problems:
        raise refused(reader.problems)
    return BackupFile.model_construct(
        transactions=list(transactions.values()),
        recurring_transactions=list(recurring.values()),
        categories=list(categories.values()),
    )


def last_months(entries: list[BackupTransaction]) -> dict[int, date]:
    """Number of a template in the file → the month of the last entry that refers to it."""
    last: dict[int, date] = {}
    for entry in entries:
        if entry.recurring_id is not None:
            last[entry.recurring_id] = max(month_of(entry.date), last.get(entry.recurring_id, date.min))
    return last


def done_until(template: BackupRecurring, last: Mapping[int, date]) -> date | None:
    """The last month of the template that is done: what it says itself, else that of its last entry."""
    if "generated_until" in template.model_fields_set or template.id is None:
        return template.generated_until
    return last.get(template.id)


def refused(problems: Problems) -> BackupRefusedError:
    """The error that lists these problems."""
    return BackupRefusedError(problems=problems[:DETAILS], total=len(problems))


def _cross_check(
    body: dict[str, Any], transactions: dict[int, BackupTransaction], recurring: dict[int, BackupRecurring]
) -> Problems:
    problems: Problems = []
    seen: set[int] = set()
    for index, template in recurring.items():
        where = f"recurring_transactions[{index}]"
        if template.id is not None and template.id in seen:
            problems.append({"field": f"{where}.id", "problem": "occurs twice"})
        if template.end_date and template.end_date < template.start_date:
            problems.append({"field": f"{where}.end_date", "problem": "must not be before start_date"})
        if template.id is not None:
            seen.add(template.id)
    present = _numbers(body.get("recurring_transactions"))
    problems += [
        {"field": f"transactions[{index}].recurring_id", "problem": "is in no row of recurring_transactions"}
        for index, entry in transactions.items()
        if entry.recurring_id is not None and entry.recurring_id not in present
    ]
    return problems


def _numbers(rows: Any) -> set[int]:
    """The ids of all rows, bad ones too: a reference to a bad row is not a second problem."""
    listed = rows if isinstance(rows, list) else []
    ids = (row.get("id") for row in listed if isinstance(row, dict))
    return {number for number in ids if isinstance(number, int)}


def _message(entry: Any) -> str:
    if entry["type"] == "model_type":
        return "must be an object"
    return str(entry["msg"]).removeprefix("Value error, ")
