"""A category in one string, as the browser's application writes it: "🍚 식비"."""

from __future__ import annotations

import unicodedata

MAX_EMOJI = 10  # code points; the longest emoji in use have ten
MAX_NAME = 100


def join_label(emoji: str, name: str) -> str:
    """("🍚", "식비") → "🍚 식비"; ("", "식비") → "식비"."""
    return f"{emoji} {name}" if emoji else name


def split_label(label: str) -> tuple[str, str]:
    """The inverse of ``join_label``; a first word that is no emoji belongs to the name."""
    first, _, rest = label.partition(" ")
    return (first, rest) if rest and is_emoji(first) else ("", label)


def is_emoji(text: str) -> bool:
    """Whether the text has a symbol and no letter; digits occur in keycaps."""
    kinds = {unicodedata.category(mark) for mark in text}
    symbol = bool(kinds & {"So", "Me"})
    return len(text) <= MAX_EMOJI and symbol and not any(kind.startswith("L") for kind in kinds)
