"""Texts inside of resources (configuration files, policies) as short line diffs, free of secrets."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from infra.review import masking
from infra.review.differences import MISSING, UNKNOWN
from infra.settings.flaw import printable

MOST_LINES = 8
LINE_CHARS = 120
MOST_PAIRS = 250_000  # lines × lines that are compared; beyond it only their number is told
MOST_CHARS = 200_000  # of a JSON text that is laid out anew


@dataclass(frozen=True)
class Lines:
    """``+3 −1 lines``, and the first of them, each with its sign."""

    summary: str
    lines: tuple[str, ...] = ()


def is_file(before: Any, after: Any) -> bool:
    """Whether the value is a text of several lines, or JSON, on one side at least."""
    return any(isinstance(side, str) and ("\n" in side.strip() or _is_json(side)) for side in (before, after))


def compared(before: Any, after: Any) -> Lines:
    """What changes in a text; MISSING, or what is no text, is an empty one."""
    if UNKNOWN in (before, after):
        return Lines("known later")
    left, right = (_laid_out(side) for side in (before, after))
    # Masked before they are compared: a diff of a secret would tell where it changes.
    shown = [masking.of_text(side).splitlines() for side in (left, right)]
    old, new = _middle(*shown)
    if not old and not new:
        return Lines("a hidden value changes" if left != right else "only its layout changes")
    if len(old) * len(new) > MOST_PAIRS:
        return Lines(_summary(len(new), len(old)))
    lines = list(_signed(old, new))
    added = sum(line[0] == "+" for line in lines)
    first = [f"{line[0]} {printable(line[2:], LINE_CHARS)}" for line in lines[:MOST_LINES]]
    left_out = len(lines) - len(first)
    more = [f"… and {left_out} more lines"] if left_out else []
    return Lines(_summary(added, len(lines) - added), (*first, *more))


def _signed(old: list[str], new: list[str]) -> Iterator[str]:
    """The lines that go and those that come, in the order of the text."""
    for tag, left, right, first, last in difflib.SequenceMatcher(None, old, new, False).get_opcodes():
        if tag != "equal":
            yield from (f"- {line}" for line in old[left:right])
            yield from (f"+ {line}" for line in new[first:last])


def _summary(added: int, gone: int) -> str:
    signs = [f"+{added}"] * bool(added) + [f"−{gone}"] * bool(gone)
    return f"{' '.join(signs)} {'line' if added + gone == 1 else 'lines'}"


def _middle(old: Sequence[str], new: Sequence[str]) -> tuple[list[str], list[str]]:
    """Without the lines at the beginning and the end that are the same."""
    head, most = 0, min(len(old), len(new))
    while head < most and old[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    return list(old[head : len(old) - tail]), list(new[head : len(new) - tail])


def _laid_out(text: Any) -> str:
    """JSON with one member a line, whatever its layout was."""
    if not isinstance(text, str):
        return "" if text is MISSING else json.dumps(text, indent=1, sort_keys=True, ensure_ascii=False)
    if _is_json(text) and len(text) <= MOST_CHARS:
        return json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False)
    return text


def _is_json(text: str) -> bool:
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
