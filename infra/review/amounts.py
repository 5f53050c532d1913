"""Values as a person reads them: quantities of Kubernetes, durations, and two of them beside one another."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any

from infra.dashboards import units
from infra.monitoring.panel import Unit as Figure
from infra.review.differences import MISSING, UNKNOWN
from infra.review.wording import value

LATER = "a value known later"
NOTHING = "nothing"
# kubernetes.io, "Quantity": binary and decimal suffixes, thousandths, and the exponents that nobody writes.
QUANTITY = re.compile(r"^([0-9]+(?:\.[0-9]+)?)([KMGTPE]i|[kMGTPE]|m|)$")
SCALES = {
    **{f"{letter}i": 1024.0**power for power, letter in enumerate("KMGTPE", 1)},
    **{letter: 1000.0**power for power, letter in enumerate("kMGTPE", 1)},
    "m": 1e-3,
    "": 1.0,
}


class Unit(StrEnum):
    """What is it counted in?"""

    NONE = ""
    BYTES = "bytes"
    CORES = "cores"
    SECONDS = "seconds"
    DAYS = "days"
    PERCENT = "percent"


def quantity(text: Any) -> float | None:
    """A quantity of Kubernetes in bytes, cores or things; None for what is none."""
    found = QUANTITY.match(str(text))
    return float(found[1]) * SCALES[found[2]] if found else None


def told(given: Any, unit: Unit = Unit.NONE) -> str:
    """``512 MiB``, ``0.25 cores``, ``30 s``, ``text``; a sentence's value."""
    if given is MISSING:
        return NOTHING
    if given == UNKNOWN:
        return LATER
    number = quantity(given) if unit is not Unit.NONE else None
    return value(_plain(given)) if number is None else value(_counted(number, unit))


def change(before: Any, after: Any, unit: Unit = Unit.NONE) -> str:
    """``20 → 50 GiB``: the unit once where both have it, and as written where both would look the same."""
    sides = [told(before, unit), told(after, unit)]
    if sides[0] == sides[1]:
        sides = [told(before), told(after)]
    units_of = [side.rpartition(" ")[2] for side in sides]
    if unit is not Unit.NONE and units_of[0] == units_of[1] and all(" " in side for side in sides):
        sides[0] = sides[0].removesuffix(f" {units_of[0]}") + sides[0][-1]
    return " → ".join(sides)


def _counted(number: float, unit: Unit) -> str:
    if unit is Unit.BYTES:
        return units.text(number, Figure.BYTES)
    if unit is Unit.SECONDS:
        return units.text(number, Figure.SECONDS)
    shown = f"{number:g}"
    one = {Unit.CORES: "core", Unit.DAYS: "day"}.get(unit)
    if one:
        return f"{shown} {one}{'' if number == 1 else 's'}"
    return f"{shown} %"


def _plain(given: Any) -> str:
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, float) and given.is_integer():
        return str(int(given))
    if given is None:
        return "null"
    return str(given) if str(given) else '""'
