"""The inputs as they would have to be written today, from what changed behind Pulumi's back."""

from __future__ import annotations

from typing import Any


def drifted(inputs: Any, before: Any, now: Any) -> Any:
    """before: the live value when it was last seen; now: the live value. None means: gone.

    What AWS adds at once (a default) is in both and no drift; what somebody adds later (a rule that
    expires backups) is in one only and becomes an input that the program does not have.
    """
    if now == before:
        return inputs
    if isinstance(now, dict) and isinstance(before, dict):
        past = inputs if isinstance(inputs, dict) else {}
        keys = dict.fromkeys([*past, *before, *now])
        members = {k: drifted(past.get(k), before.get(k), now.get(k)) for k in keys}
        return {k: v for k, v in members.items() if v is not None}
    lists = [value for value in (inputs, before, now) if isinstance(value, list)]
    if len(lists) == 3 and len({len(value) for value in lists}) == 1:
        return [drifted(*items) for items in zip(*lists, strict=True)]
    return now
