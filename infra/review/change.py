"""One resource's change as it is told: lines with marks, and why it must be acknowledged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from infra.review.components import Part
from infra.review.labels import Mark
from infra.review.plan import Op


@dataclass(frozen=True)
class Line:
    """A sentence, who should look at it, and lines of a text below it."""

    sentence: str
    marks: frozenset[Mark] = frozenset()
    detail: tuple[str, ...] = ()


@dataclass(frozen=True)
class Change:
    """``together``: begins a line in which resources of one part are told by their names; empty for one that
    is told by itself.

    blocking: why it must be acknowledged, one sentence each; remedy: what to do instead, or empty.
    """

    part: Part
    urn: str
    name: str
    kind: str
    op: Op
    lines: tuple[Line, ...]
    together: str = ""
    blocking: tuple[str, ...] = ()
    remedy: str = ""

    @property
    def marks(self) -> frozenset[Mark]:
        """Of all of its lines."""
        return marks_of(self.lines)

    @property
    def weight(self) -> int:
        """How important it is: the smaller the earlier, and the later left out."""
        if self.blocking:
            return 0
        if Mark.SECURITY in self.marks:
            return 1
        return 2 if Mark.COST in self.marks else 3 + bool(self.together)


def marks_of(lines: Iterable[Line]) -> frozenset[Mark]:
    """Every mark of the lines."""
    return frozenset(mark for line in lines for mark in line.marks)
