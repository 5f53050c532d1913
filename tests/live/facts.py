"""Waiting for facts, not for seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
PAUSE_SECONDS = 0.2


def eventually(fact: Callable[[], T | None], what: str, seconds: float = 60.0) -> T:
    """The first true answer of ``fact``; fails with ``what`` and the last answer when the time is over."""
    until = time.monotonic() + seconds
    while not (answer := fact()):
        if time.monotonic() > until:
            pytest.fail(f"not within {seconds:.0f} s: {what}; last answer: {answer!r}")
        time.sleep(PAUSE_SECONDS)
    return answer
