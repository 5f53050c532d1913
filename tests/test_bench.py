"""`make bench` runs every benchmark that there is."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from tests.bench import run

pytestmark = pytest.mark.unit
FOLDER = Path(run.__file__).parent


def test_make_bench_takes_every_benchmarks_figures() -> None:
    there = {path.stem for path in FOLDER.glob("*.py") if "\ndef main(" in path.read_text()} - {"run"}
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(run.main))) if isinstance(node, ast.Call)]
    assert {f"{name}.main" for name in there} <= {ast.unparse(call.func) for call in calls}
