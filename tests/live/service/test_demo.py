"""`slipway demo` on the running service: the summary told is the one computed from the file."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.live
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_the_ledger_is_imported_and_its_summary_equals_the_files(slipway: Run) -> None:
    answer = slipway("demo")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert "the two are equal" in answer.stdout
    again = slipway("demo")
    assert "imported 0 transactions, 2000 were there already" in again.stdout


def test_a_file_that_the_service_refuses_is_refused_with_every_problem_named(
    slipway: Run, tmp_path: Path
) -> None:
    rows = [{"id": 1, "date": "2026-02-30", "description": "x", "amount": -1, "type": "gift", "category": ""}]
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({"transactions": rows, "recurring_transactions": [], "categories": []}))
    answer = slipway("demo", "--file", str(file))
    assert answer.returncode != 0
    for field in ("date", "amount", "type"):
        assert f"transactions[0].{field}" in answer.stderr
    assert "Traceback" not in answer.stderr
