"""Model default < profile < stack file: mappings merge key by key, anything else is replaced whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def merge(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """A new mapping; ``upper`` wins. Lists are replaced, so that they can also be shortened."""
    merged = dict(lower)
    for key, value in upper.items():
        below = merged.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        merged[key] = merge(below, value) if both else value  # type: ignore[arg-type]
    return merged
