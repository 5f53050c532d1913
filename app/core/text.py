"""Types of what people send: text that PostgreSQL can store, days, money, pages."""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from app.core.exact import Written

DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DECIMAL = re.compile(r"-?\d{1,30}(\.\d{1,30})?", re.ASCII)
NUMBER = re.compile(rf"{DECIMAL.pattern}([eE][+-]?\d{{1,3}})?", re.ASCII)  # in JSON
ALLOWED_CONTROLS = {"\n", "\t"}
FIRST_YEAR = 1900  # the driver takes years 1 and 9999 for infinity; nobody keeps books there
LAST_YEAR = 2999
MOST_MONEY = Decimal("9999999999999.99")  # NUMERIC(15, 2)
MAX_PAGE = 1_000_000
MAX_PAGE_SIZE = 1_000


def clean(text: str) -> str:
    """NFC, so that one word typed on two systems is one word. Raises ValueError for control characters and
    lone surrogates, which the database cannot store."""
    if any(unicodedata.category(mark) in {"Cc", "Cs"} and mark not in ALLOWED_CONTROLS for mark in text):
        raise ValueError("must not hold control characters")
    return unicodedata.normalize("NFC", text)


def _named(text: str) -> str:
    if not text.strip():
        raise ValueError("must not be blank")
    return text.strip()


def _iso_day(value: Any) -> Any:
    if (isinstance(value, str) and not DAY.fullmatch(value)) or not isinstance(value, str | date):
        raise ValueError("must be a day like 2026-01-31")
    return value


def plain_number(value: Any, example: str) -> Any:
    """A number as it was written, as text or in JSON. Raises ValueError with the example for other text."""
    written = value.text if isinstance(value, Written) else value
    pattern = NUMBER if isinstance(value, Written) else DECIMAL
    if isinstance(written, str) and not pattern.fullmatch(written):
        raise ValueError(f"must be a number like {example}")
    return Decimal(written) if isinstance(value, Written) else value


def _in_range(amount: Decimal) -> Decimal:
    if not 0 <= amount <= MOST_MONEY:
        raise ValueError(f"must be from 0 to {MOST_MONEY}")
    return amount


Text = Annotated[str, AfterValidator(clean)]
Name = Annotated[Text, AfterValidator(_named)]
Day = Annotated[date, BeforeValidator(_iso_day), Field(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31))]
Money = Annotated[
    Decimal,
    BeforeValidator(partial(plain_number, example="12000 or 12000.50")),
    Field(decimal_places=2, allow_inf_nan=False),
    AfterValidator(_in_range),
]
MoneyOut = Annotated[
    Decimal,
    PlainSerializer(lambda amount: f"{amount:.2f}", return_type=str, when_used="json"),
    Field(examples=["12000.00"], description="Text with two decimals"),
]
Year = Annotated[int, Field(ge=FIRST_YEAR, le=LAST_YEAR)]
Month = Annotated[int, Field(ge=1, le=12)]
Page = Annotated[int, Field(ge=1, le=MAX_PAGE, description="From 1")]
PageSize = Annotated[int, Field(ge=1, le=MAX_PAGE_SIZE)]
