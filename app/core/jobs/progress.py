"""How far a job is, in the figures people are shown. Pure arithmetic; the times come from the database."""

from __future__ import annotations

import math

UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


def percent(processed: int, total: int) -> float:
    """With one decimal, rounded down: 100.0 is said only when nothing is left."""
    return processed * 1000 // total / 10


def seconds_left(processed: int, total: int, elapsed: float) -> int | None:
    """What is left at the rate measured so far, rounded up; None before the first item is done."""
    return math.ceil(elapsed / processed * (total - processed)) if processed else None


def spoken(seconds: int) -> str:
    """65 → "1m 5s", 3600 → "1h", 0 → "0s"."""
    parts = []
    for size, unit in UNITS:
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts) or "0s"


def success_rate(processed: int, failed: int) -> float | None:
    """The share of processed items that did not fail, with four decimals; None before the first item."""
    return round((processed - failed) / processed, 4) if processed else None
