"""What a broken rule reports; rules.py lists the rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """A broken rule: the key to point at, what is wrong with both values, what to do.

    ``also``: the other keys it weighs; the message points at the first that the stack file itself sets.
    ``rule``: the rule's name, filled in by ``rules.broken``. ``own``: told only where the stack file itself
    sets the key.
    """

    key: tuple[str, ...]
    what: str
    remedy: str
    also: tuple[tuple[str, ...], ...] = ()
    rule: str = ""
    own: bool = False
