"""Sentences of a report: our own words, and values in them that each format writes in its own way.

A value stands between two marks that no value can hold, as they are not printable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from infra.settings.flaw import printable

BEGIN, END = "\ue000", "\ue001"
VALUE = re.compile(f"{BEGIN}([^{BEGIN}{END}]*){END}")
SHOWN_CHARS = 100
TICKS = re.compile("`+")


def value(text: Any, most: int = SHOWN_CHARS) -> str:
    """A value in a sentence, cut where long. It comes from the plan and may hold anything."""
    return f"{BEGIN}{printable(str(text), most)}{END}"


def listed(values: Iterable[Any], most: int = 6) -> str:
    """``a, b and 3 more``."""
    found = list(values)
    shown = [value(each) for each in found[:most]]
    left = len(found) - len(shown)
    return f"{', '.join(shown)} and {left} more" if left else ", ".join(shown)


def plain(sentence: str) -> str:
    """The sentence for a terminal and for programs."""
    return sentence.replace(BEGIN, "").replace(END, "")


def markdown(sentence: str) -> str:
    """The sentence with its values as code: no table, link, mention or comment can begin in them."""
    parts = VALUE.split(sentence)  # our words and values take turns
    return "".join(code(part) if index % 2 else part for index, part in enumerate(parts))


def code(text: str) -> str:
    """A code span whatever the text holds (CommonMark 6.1); a bar is escaped, as in a table it must be."""
    if not text.strip():
        return "` `"
    fence = "`" * (max((len(run) for run in TICKS.findall(text)), default=0) + 1)
    padded = f" {text} " if text[0] in "` " or text[-1] in "` " else text
    return f"{fence}{padded}{fence}"


def block(lines: Iterable[str], language: str = "") -> str:
    """A fenced block that no line in it can end (CommonMark 4.5)."""
    shown = list(lines)
    longest = max((len(run) for line in shown for run in TICKS.findall(line)), default=0)
    fence = "`" * max(3, longest + 1)
    return "\n".join([f"{fence}{language}", *shown, fence])


def counted(number: int, noun: str) -> str:
    """``1 resource``, ``2 NetworkPolicies``."""
    if number == 1:
        return f"1 {noun}"
    if noun[-1] == "y" and noun[-2:-1] not in "aeiou":
        return f"{number} {noun[:-1]}ies"
    return f"{number} {noun}{'es' if noun[-1] in 'sx' else 's'}"
