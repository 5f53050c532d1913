"""The sample household and the summary computed from a file."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest

from infra import demo
from infra.errors import UserError


def test_the_sample_is_the_same_on_every_machine() -> None:
    assert demo.household() == demo.household()


def test_the_sample_has_two_thousand_transactions_over_twelve_months() -> None:
    entries = demo.household()["transactions"]
    assert len(entries) == 2_000
    assert len({entry["date"][:7] for entry in entries}) == 12


def test_every_transaction_of_the_sample_has_the_keys_of_the_indexeddb_table() -> None:
    wanted = {"id", "date", "description", "amount", "type", "category", "status", "recurring_id"}
    assert all(set(entry) == wanted for entry in demo.household(24)["transactions"])


def test_a_month_is_summed_from_the_file_without_rounding() -> None:
    row = {"date": "2026-02-28", "type": "expense"}
    export = {
        "transactions": [
            {**row, "amount": Decimal("0.10")},
            {**row, "amount": Decimal("0.20")},
            {"date": "2026-02-01", "type": "income", "amount": 5},
            {"date": "2026-03-01", "type": "income", "amount": 9},
        ]
    }
    assert demo.summarise(export, 2026, 2) == demo.Summary(Decimal(5), Decimal("0.30"), Decimal("4.70"), 3)


def test_the_newest_month_is_found_whatever_the_order() -> None:
    export = {"transactions": [{"date": "2026-01-31"}, {"date": "2026-02-01"}, {"date": "2025-12-31"}]}
    assert demo.latest_month(export) == (2026, 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not JSON in UTF-8"),
        ("[]", "transactions: is missing or empty"),
        ('{"transactions": []}', "transactions: is missing or empty"),
    ],
)
def test_a_file_that_is_no_export_is_named_with_what_is_wrong(
    tmp_path: Path, text: str, message: str
) -> None:
    path = tmp_path / "export.json"
    path.write_text(text)
    with pytest.raises(UserError) as raised:
        demo.read_export(path)
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be read: No such file or directory"):
        demo.read_export(tmp_path / "none.json")


def test_a_saved_sample_is_read_back_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "export.json"
    path.write_text(json.dumps(demo.household(36), ensure_ascii=False), encoding="utf-8")
    assert demo.read_export(path) == demo.household(36)
