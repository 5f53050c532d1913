"""Faults are put into the running sandbox's stack file, and taken out again whatever the test finds."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml

from infra.paths import stacks_dir

FILE = stacks_dir() / "Pulumi.sandbox.yaml"
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def stack_file() -> Iterator[Callable[[Callable[[dict[str, Any]], None]], None]]:
    """``stack_file(change)`` changes the file's config block; the file is restored afterwards."""
    original = FILE.read_bytes()

    def edit(change: Callable[[dict[str, Any]], None]) -> None:
        document = yaml.safe_load(original)
        change(document.setdefault("config", {}))
        FILE.write_text(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))

    yield edit
    FILE.write_bytes(original)


@pytest.fixture
def restored(slipway: Run, stack_file: Any) -> Iterator[None]:
    """After the test the stack file is as it was, and `slipway up` completes with it."""
    original = FILE.read_bytes()
    yield
    FILE.write_bytes(original)
    answer = slipway("up")
    assert answer.returncode == 0, f"the next up does not complete:\n{answer.stdout}\n{answer.stderr}"
