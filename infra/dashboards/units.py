"""Values as a person reads them, in the units of panels."""

from __future__ import annotations

import math

from infra.monitoring.panel import Unit

BYTES = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")
THOUSANDS = ("", " k", " M", " G", " T")
SECONDS = ((86_400.0, "d"), (3_600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
SUFFIXES = {Unit.PER_SECOND: "/s", Unit.REQUESTS: " req/s", Unit.CORES: "", Unit.NUMBER: ""}
DIGITS = 3
TINY = 1e-9
MOST_TICKS = 5
# Steps of a scale of time that a clock has; below a minute they are decimal.
CLOCK = (
    60,
    120,
    300,
    600,
    900,
    1800,
    3600,
    7200,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86_400,
    2 * 86_400,
    7 * 86_400,
)


def text(value: float, unit: Unit) -> str:
    """``1.5 GiB``, ``240 ms``, ``99.9 %``, ``1.2 k req/s``: three digits that count."""
    if not math.isfinite(value):
        return "no value" if math.isnan(value) else f"{'-' if value < 0 else ''}∞"
    if unit is Unit.SECONDS:
        return _seconds(value)
    if unit is Unit.SHARE:
        return f"{_digits(value * 100)} %"
    if unit in {Unit.BYTES, Unit.BYTES_PER_SECOND}:
        return _scaled(value, 1024.0, BYTES) + ("/s" if unit is Unit.BYTES_PER_SECOND else "")
    return _scaled(value, 1000.0, THOUSANDS) + SUFFIXES[unit]


def _seconds(value: float) -> str:
    if abs(value) < TINY:
        return "0 s"
    for size, name in SECONDS:
        if abs(value) >= size:
            return f"{_digits(value / size)} {name}"
    return f"{_digits(value * 1e6)} µs"


def _scaled(value: float, base: float, names: tuple[str, ...]) -> str:
    power = 0
    while abs(value) >= base and power < len(names) - 1:
        value, power = value / base, power + 1
    name = names[power]
    return f"{_digits(value)}{' ' if name and not name.startswith(' ') else ''}{name}"


def _digits(value: float) -> str:
    """Three digits that count, never an exponent; a whole number stays whole."""
    if abs(value) < TINY:
        return "0"
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))
    plain = f"{value:.{min(decimals, 6)}f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def ticks(lowest: float, highest: float, unit: Unit) -> list[float]:
    """At most MOST_TICKS round values between the two: powers of two of bytes, a clock's steps of seconds."""
    step = _step((highest - lowest) / MOST_TICKS, unit)
    first, last = math.ceil(lowest / step), math.floor(highest / step)
    return [index * step for index in range(first, last + 1)]


def _step(least: float, unit: Unit) -> float:
    if unit in {Unit.BYTES, Unit.BYTES_PER_SECOND}:
        return float(2 ** max(0, math.ceil(math.log2(least))))
    if unit is Unit.SECONDS and least > CLOCK[0] / 2:
        return float(
            next((step for step in CLOCK if step >= least), math.ceil(least / CLOCK[-1]) * CLOCK[-1])
        )
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - TINY))
