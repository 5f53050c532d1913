"""The gate of `make coverage`: what it lets pass, what it names."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
GATE = Path(__file__).resolve().parent.parent / "scripts" / "coverage"


def judged(folder: Path, lines: int, branches: int) -> subprocess.CompletedProcess[str]:
    """The gate on a module and a core of 100 lines and 100 branches each."""
    summary = {
        "num_statements": 100,
        "covered_lines": lines,
        "missing_lines": 100 - lines,
        "num_branches": 100,
        "covered_branches": branches,
        "missing_branches": 100 - branches,
    }
    file = {"summary": summary, "missing_lines": list(range(lines, 100))}
    report = folder / "coverage.json"
    report.write_text(json.dumps({"files": {"app/main.py": file, "app/core/cache.py": file}}))
    command = [sys.executable, str(GATE), str(report)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_enough_of_both_passes(tmp_path: Path) -> None:
    assert judged(tmp_path, 95, 90).returncode == 0


@pytest.mark.parametrize(("lines", "branches"), [(94, 100), (100, 89)])
def test_too_little_of_either_fails_and_names_the_files(tmp_path: Path, lines: int, branches: int) -> None:
    answer = judged(tmp_path, lines, branches)
    assert answer.returncode == 1
    assert "app/core/cache.py" in answer.stdout


def test_a_report_without_the_core_fails(tmp_path: Path) -> None:
    (tmp_path / "coverage.json").write_text(json.dumps({"files": {}}))
    command = [sys.executable, str(GATE), str(tmp_path / "coverage.json")]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1
