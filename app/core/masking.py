"""Keeps secrets and personal data out of log lines: by the name of the field, by shape, by exact value.

Personal data have no single form, so these are the forms: masking_shapes.py. What it cannot know (names of
people, street addresses, numbers without any label or form) must not be logged in the first place.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from app.core.masking_shapes import MASK, mask_shapes

SECRET_NAMES = re.compile(
    r"(?i)(^|_)(pass|pwd)$|passw(or)?d|secret|token|authorization|cookie|(api|access|private)[_-]?key|database_url"
    r"|redis_url|^dsn$|signature|비밀번호|(^|[_-])(session([_-]?id)?|otp|pin|cvc|cvv)$"
)
PERSONAL_NAMES = re.compile(
    r"(?i)e[_-]?mail|phone|mobile(_?(no|num(ber)?))?$|(^|_)(tel|fax|rrn|ssn)$|resident_?(reg|no|num|id)"
    r"|card_?(no|num(ber)?)|emp(loyee)?_?(no|num(ber)?|id)$|사번|전화|연락처|휴대폰|핸드폰|이메일|주민|카드번호"
)
KINDS = re.compile(
    r"(?i)(type|verified|enabled|required|expires?([_-]?(in|at))?)$"
)  # names of facts about them
COUNTS = re.compile(r"(?i)(count|tokens|seconds|size|length|total|ttl|age)$")  # names of numbers about them
# Ids and moments that the service itself makes: nothing to look for, and half of what a line holds.
PLAIN = re.compile(r"[0-9a-f]{32}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z|[a-z_]{1,40}|GET|POST|PUT|DELETE")
SHORT, MOST_SHORT = 64, 1024  # characters; the names, routes and events that every other line repeats
LONG_NUMBER = 10**9  # from here on a number may be somebody's
MOST_DEPTH = 8  # levels of nesting that are looked at
MOST_VALUES = 1_000  # members of all lists and mappings inside one field
VALUE_CHARACTERS = 4_000  # that are shown of one text
NAME_CHARACTERS = 100
LOOKED_AT = 32_000  # characters of one text: masking takes time, and the rest is not shown anyway
MARGIN = 1_000  # characters at a cut that are not shown: they may be half a secret
TAILS = frozenset({"exception", "stack"})  # fields whose end tells more than their beginning
PAIR = 2
ELLIPSIS = "…"


class Masker:
    """Masks nested log data. ``values`` are this process's own secrets; they vanish wherever they stand."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        known = sorted({value for value in values if value}, key=len, reverse=True)
        self._values = re.compile("|".join(map(re.escape, known))) if known else None
        self._short = lru_cache(maxsize=MOST_SHORT)(self._masked)

    def text(self, text: str) -> str:
        """The text without known secrets and without anything that has the form of a secret or of personal
        data; in time linear in its length."""
        return self._short(text) if len(text) <= SHORT else self._masked(text)

    def _masked(self, text: str) -> str:
        if self._values:
            text = self._values.sub(MASK, text)
        return text if PLAIN.fullmatch(text) else mask_shapes(text)

    def shown(self, text: str, *, tail: bool = False) -> str:
        """The masked text, of a long one only the beginning or the ``tail``."""
        if len(text) <= VALUE_CHARACTERS:
            return self.text(text)
        masked = self.text(text[-LOOKED_AT:] if tail else text[:LOOKED_AT])
        if len(text) > LOOKED_AT:
            masked = masked[MARGIN:] if tail else masked[:-MARGIN]
        return ELLIPSIS + masked[-VALUE_CHARACTERS:] if tail else masked[:VALUE_CHARACTERS] + ELLIPSIS

    def value(self, value: Any, name: str = "") -> Any:
        """The value with everything masked, at any depth, as what JSON can hold; of very much, the beginning.
        Never raises."""
        return self._value(value, name, MOST_DEPTH, iter(range(MOST_VALUES)))

    def _value(self, value: Any, name: str, depth: int, budget: Iterator[int]) -> Any:
        if name and value not in (None, "") and not isinstance(value, bool) and is_guarded(name):
            counted = isinstance(value, int | float) and COUNTS.search(name)
            return value if counted else MASK
        if isinstance(value, str):
            return self.shown(value, tail=name in TAILS)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value)
        if not isinstance(value, dict | list | tuple | set | frozenset):
            return self.shown(_words(value))
        if not depth:
            return ELLIPSIS
        if isinstance(value, dict):
            return {
                self.text(key := _words(part)[:NAME_CHARACTERS]): self._value(held, key, depth - 1, budget)
                for (part, held), _ in zip(list(value.items()), budget, strict=False)
            }
        parts = zip(list(value), budget, strict=False)
        return [self._member(part, depth - 1, budget) for part, _ in parts]

    def _member(self, part: Any, depth: int, budget: Iterator[int]) -> Any:
        """Of a list of pairs, as of headers, the first of each is a name."""
        if (
            depth
            and isinstance(part, list | tuple)
            and len(part) == PAIR
            and isinstance(part[0], str | bytes)
        ):
            name = _words(part[0])[:NAME_CHARACTERS]
            return [self.text(name), self._value(part[1], name, depth - 1, budget)]
        return self._value(part, "", depth, budget)

    def _number(self, value: int | float) -> int | float | str:
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        return value if -LONG_NUMBER < value < LONG_NUMBER or self.text(_words(value)) != MASK else MASK


@lru_cache(maxsize=1024)
def is_guarded(name: str) -> bool:
    """Whether a field of this name is masked whatever it holds."""
    return bool(SECRET_NAMES.search(name) or PERSONAL_NAMES.search(name)) and not KINDS.search(name)


def _words(value: Any) -> str:
    """``str``, for objects too whose own one fails."""
    try:
        return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    except Exception as error:
        return f"<{type(value).__name__}: {type(error).__name__}>"
