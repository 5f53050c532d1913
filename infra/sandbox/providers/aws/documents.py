"""Policy documents: the same one may be written in many ways, and AWS gives back another one."""

from __future__ import annotations

import json
from typing import Any

from infra.sandbox.providers.shared.values import UNKNOWN


def text_of(policy: Any) -> str:
    """The document as text; a program may give it as a value."""
    return policy if isinstance(policy, str) else json.dumps(policy)


def same(one: Any, other: Any) -> bool:
    """Whether two documents say the same."""
    if UNKNOWN in (one, other) or one is None or other is None:
        return bool(one == other)
    try:
        return bool(_canonical(_parsed(one)) == _canonical(_parsed(other)))
    except ValueError:
        return bool(one == other)


def kept(live: Any, known: Any) -> str:
    """The live document, in the words of the known one where it says the same."""
    return text_of(known) if known is not None and same(live, known) else text_of(live)


def _parsed(policy: Any) -> Any:
    return json.loads(policy) if isinstance(policy, str) else policy


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _canonical(v) for k, v in value.items()}
    if isinstance(value, list):
        items = [_canonical(v) for v in value]
        if len(items) == 1 and isinstance(items[0], str):
            return items[0]
        return sorted(items) if all(isinstance(item, str) for item in items) else items
    return str(value).lower() if isinstance(value, bool) else value
