"""What the program says: one JSON object a line on stdout, which the log keeps and `slipway` shows to people.

``step`` begins something, ``progress`` counts it, ``done`` ends it; ``warning`` says what went wrong without
an effect on the outcome, ``problem`` is one of infra/errors.py's and ``result`` the outcome, last. Values
never hold a secret: callers give names, sizes and ids only, and ``hide`` sees to other programs' messages.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from infra.errors import Problem, UserError

PROGRESS_SECONDS = 2.0  # between two lines on the same step
LEAST_SECRET = 6  # shorter ones are parts of ordinary words
_lock = threading.Lock()
_hidden: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """These values are in no line from now on, whoever's message brings them."""
    _hidden.update(secret for secret in secrets if len(secret) >= LEAST_SECRET)


def say(event: str, **fields: Any) -> None:
    """One line. ``fields`` must be JSON."""
    stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
    line = json.dumps({"timestamp": stamp, "event": event, **fields}, ensure_ascii=False)
    for secret in _hidden:
        line = line.replace(json.dumps(secret, ensure_ascii=False)[1:-1], "***")
    with _lock:
        print(line, file=sys.stdout, flush=True)


def problem(found: Problem) -> None:
    """One thing that is wrong."""
    say("problem", where=found.where, what=found.what, remedy=found.remedy)


def problems(error: UserError) -> None:
    """All that is wrong."""
    for found in error.problems:
        problem(found)


class Counter:
    """Counts bytes of a step and says so every two seconds, with the seconds left where a total is known."""

    def __init__(self, step: str, total: int | None = None) -> None:
        self.step, self.total, self.done = step, total, 0
        self._begun = self._said = time.monotonic()

    def add(self, count: int) -> None:
        """``count`` more bytes."""
        self.done += count
        now = time.monotonic()
        if now - self._said >= PROGRESS_SECONDS:
            self._said = now
            say("progress", step=self.step, bytes=self.done, total=self.total, seconds_left=self._left(now))

    def _left(self, now: float) -> int | None:
        if not self.total or not self.done:
            return None
        return max(0, round((now - self._begun) * (self.total - self.done) / self.done))


@contextmanager
def step(name: str, **fields: Any) -> Iterator[None]:
    """Says that ``name`` begins, and how long it took once it has succeeded."""
    begun = time.monotonic()
    say("step", step=name, **fields)
    yield
    say("done", step=name, seconds=round(time.monotonic() - begun, 3))
