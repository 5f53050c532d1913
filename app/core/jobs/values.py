"""What an item and its result may be."""

from __future__ import annotations

import json
import re
from typing import Any

NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")  # an escape, and not an escaped backslash before u0000


def storable(value: Any) -> int:
    """The bytes of the value as JSON. Raises ValueError where PostgreSQL cannot store it as jsonb: no JSON,
    NaN, NUL, a lone surrogate."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:  # ValueError: also what UTF-8 cannot hold
        raise ValueError("is no JSON") from error
    if NUL.search(text):
        raise ValueError("holds a NUL character")
    return size
