"""Model default < profile < stack file: mappings merge key by key, lists by the rule of their field."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any


def merge(
    lower: Mapping[str, Any],
    upper: Mapping[str, Any],
    unions: Collection[tuple[str, ...]] = (),
    path: tuple[str, ...] = (),
) -> dict[str, Any]:
    """A new mapping; ``upper`` wins. A list is replaced whole, so that it can also be shortened, except at
    the key paths in ``unions``: there its items follow those below it, each once."""
    merged = dict(lower)
    for key, value in upper.items():
        below, here = merged.get(key), (*path, key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = merge(below, value, unions, here)
        elif isinstance(below, list) and isinstance(value, list) and here in unions:
            merged[key] = below + [item for item in value if item not in below]
        else:
            merged[key] = value
    return merged
