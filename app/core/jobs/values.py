"""What an item and its result may be."""

from __future__ import annotations

import json
from typing import Any


def storable(value: Any) -> int:
    """The bytes of the value as JSON. Raises ValueError where PostgreSQL cannot store it as jsonb: no JSON,
    NaN, NUL, a lone surrogate."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError("is no JSON") from error
    if "\\u0000" in text:
        raise ValueError("holds a NUL character")
    return size
