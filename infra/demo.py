"""A year of one household in the IndexedDB export format, and a month's summary computed from it."""

from __future__ import annotations

import calendar
import json
import random
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from infra.errors import UserError

Export = dict[str, list[dict[str, Any]]]
MONTHS = tuple(
    (2025 + (11 + offset) // 12, (11 + offset) % 12 + 1) for offset in range(12)
)  # 2025-12 … 2026-11
SEED = 20261121  # the same ledger on every machine, so that figures can be compared
CATEGORIES = {  # emoji and name, typical description, smallest and largest amount in won
    "🍚 식비": ("점심", 7_000, 18_000),
    "🍪 간식류": ("편의점", 1_200, 9_000),
    "☕ 카페": ("아메리카노", 3_500, 7_500),
    "🚌 교통비": ("지하철", 1_400, 12_000),
    "🏠 주거비": ("관리비", 80_000, 250_000),
    "📱 통신비": ("휴대폰 요금", 30_000, 70_000),
    "💊 의료비": ("약국", 4_000, 60_000),
    "🧺 생활용품": ("세제", 3_000, 40_000),
    "📚 교육": ("책", 9_000, 45_000),
    "🎮 취미": ("영화", 10_000, 60_000),
}
SALARY = ("💰 급여", "월급", 3_200_000)


@dataclass(frozen=True)
class Summary:
    """One month in won: income, expense and what is left of it; count of transactions."""

    income: Decimal
    expense: Decimal
    balance: Decimal
    count: int


def household(transactions: int = 2_000) -> Export:
    """An export over twelve months, one salary a month among the entries; keys as in seed 002 §1.1."""
    chance = random.Random(SEED)  # noqa: S311  (not for cryptography)
    entries: list[dict[str, Any]] = []
    for number in range(transactions):
        year, month = MONTHS[number % len(MONTHS)]
        day = date(year, month, chance.randint(1, calendar.monthrange(year, month)[1]))
        salary = number < len(MONTHS)
        category = SALARY[0] if salary else chance.choice(list(CATEGORIES))
        description, least, most = (SALARY[1], SALARY[2], SALARY[2]) if salary else CATEGORIES[category]
        entries.append(
            {
                "id": number + 1,
                "date": day.isoformat(),
                "description": f"{description} {number + 1}",
                "amount": chance.randrange(least, most + 1, 100),
                "type": "income" if salary else "expense",
                "category": category,
                "status": "confirmed",
                "recurring_id": None,
            }
        )
    names = [label.split(" ", 1) for label in [SALARY[0], *CATEGORIES]]
    return {
        "transactions": entries,
        "recurring_transactions": [],
        "categories": [{"id": i, "emoji": e, "name": n} for i, (e, n) in enumerate(names, start=1)],
    }


def read_export(path: Path) -> Export:
    """The user's own export. Raises UserError where it cannot be read or has no transactions."""
    try:
        export = json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except OSError as error:
        raise UserError.of(str(path), f"cannot be read: {error.strerror}", "name an existing file") from error
    except ValueError as error:
        raise UserError.of(
            str(path), f"is not JSON in UTF-8: {error}", "export the ledger again from the browser"
        ) from error
    if (
        not isinstance(export, dict)
        or not isinstance(export.get("transactions"), list)
        or not export["transactions"]
    ):
        raise UserError.of(
            f"{path}: transactions",
            "is missing or empty",
            'the file must be {"transactions": […], "recurring_transactions": […], "categories": […]}',
        )
    return export


def latest_month(export: Export) -> tuple[int, int]:
    """Year and month of the newest transaction."""
    newest = max(str(entry["date"]) for entry in export["transactions"])
    return int(newest[:4]), int(newest[5:7])


def summarise(export: Export, year: int, month: int) -> Summary:
    """The month's figures computed from the file alone."""
    chosen = [
        entry for entry in export["transactions"] if str(entry["date"]).startswith(f"{year:04d}-{month:02d}")
    ]
    sums = {
        kind: sum((Decimal(str(e["amount"])) for e in chosen if e["type"] == kind), Decimal(0))
        for kind in ("income", "expense")
    }
    return Summary(sums["income"], sums["expense"], sums["income"] - sums["expense"], len(chosen))
