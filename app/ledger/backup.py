"""The IndexedDB export format (seed 002 §1.1): reading it with every problem at once, and writing it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
MOST_ROWS = 100_000  # of one file; an export of 10 MB has about 70,000
# Twelve values a row; a number that keeps its digits takes 140 bytes for 4 in the file.
MOST_COMMAS = 1_200_000
MOST_BRACKETS = 1_000_000  # opening ones; each may be an object of 90 bytes in memory for 3 in the file
Row = TypeVar("Row", bound=BaseModel)


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
class Problems:
    """What is wrong with a file: all of it counted, and kept only as far as it is shown."""

    shown: list[dict[str, str]] = field(default_factory=list)
    total: int = 0

    def add(self, where: str, problem: str) -> None:
        """One more."""
        self.total += 1
        if self.has_room:
            self.shown.append({"field": where, "problem": problem})

    def add_all(self, table: str, index: int, error: ValidationError) -> None:
        """Those of one row."""
        if self.has_room:
            for entry in error.errors(include_url=False, include_input=False):
                self.add(field_path((table, index, *entry["loc"])), _message(entry))
        else:
            self.total += error.error_count()

    @property
    def has_room(self) -> bool:
        """Whether the next one is shown."""
        return len(self.shown) < DETAILS

    def refuse(self) -> None:
        """Raises BackupRefusedError where there are any."""
        if self.total:
            raise BackupRefusedError(problems=self.shown, total=self.total)


def parse(body: Any) -> BackupFile:
    """The file's rows. Raises BackupRefusedError with all problems, at most 100 of them listed."""
    problems = Problems()
    if not isinstance(body, dict) or not any(table in body for table in TABLES):
        problems.add("body", f"must be an object with {', '.join(TABLES)}")
        problems.refuse()
    _count(body, problems)
    problems.refuse()
    transactions = _rows(body, "transactions", BackupTransaction, problems)
    recurring = _rows(body, "recurring_transactions", BackupRecurring, problems)
    categories = _rows(body, "categories", BackupCategory, problems)
    _cross_check(body, transactions, recurring, problems)
    problems.refuse()
    return BackupFile.model_construct(
        transactions=list(transactions.values()),
        recurring_transactions=list(recurring.values()),
        categories=list(categories.values()),
    )


def check_text(text: bytes) -> None:
    """Before it is read as JSON. Raises BackupRefusedError where reading it would take too much memory."""
    problems = Problems()
    brackets = text.count(b"{") + text.count(b"[")
    if brackets > MOST_BRACKETS:
        problems.add("body", f"has {brackets} opening brackets; a file may have {MOST_BRACKETS}")
    elif (commas := text.count(b",")) > MOST_COMMAS:
        problems.add("body", f"has {commas} commas; a file may have {MOST_COMMAS}")
    problems.refuse()


def _count(body: dict[str, Any], problems: Problems) -> None:
    """Before anything is read: a wrong row of two bytes takes more to refuse than a good one to import."""
    left = MOST_ROWS
    for table in TABLES:
        rows = body.get(table)
        left -= len(rows) if isinstance(rows, list) else 0
        if left < 0:
            problems.add(table, f"has {len(rows or ())} rows; a file may have {MOST_ROWS} in all")
            return


def _rows(body: dict[str, Any], table: str, model: type[Row], problems: Problems) -> dict[int, Row]:
    """The good rows by index: one bad row hides no other."""
    listed = body.get(table, [])
    if not isinstance(listed, list):
        problems.add(table, "must be a list")
        return {}
    good: dict[int, Row] = {}
    for index, row in enumerate(listed):
        try:
            good[index] = model.model_validate(row)
        except ValidationError as error:
            problems.add_all(table, index, error)
    return good


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


def _cross_check(
    body: dict[str, Any],
    transactions: dict[int, BackupTransaction],
    recurring: dict[int, BackupRecurring],
    problems: Problems,
) -> None:
    seen: set[int] = set()
    for index, template in recurring.items():
        where = f"recurring_transactions[{index}]"
        if template.id is not None and template.id in seen:
            problems.add(f"{where}.id", "occurs twice")
        if template.end_date and template.end_date < template.start_date:
            problems.add(f"{where}.end_date", "must not be before start_date")
        if template.id is not None:
            seen.add(template.id)
    present = _numbers(body.get("recurring_transactions"))
    for index, entry in transactions.items():
        if entry.recurring_id is not None and entry.recurring_id not in present:
            problems.add(f"transactions[{index}].recurring_id", "is in no row of recurring_transactions")


def _numbers(rows: Any) -> set[int]:
    """The ids of all rows, bad ones too: a reference to a bad row is not a second problem."""
    listed = rows if isinstance(rows, list) else []
    ids = (row.get("id") for row in listed if isinstance(row, dict))
    return {number for number in ids if isinstance(number, int)}


def _message(entry: Any) -> str:
    if entry["type"] == "model_type":
        return "must be an object"
    return str(entry["msg"]).removeprefix("Value error, ")
