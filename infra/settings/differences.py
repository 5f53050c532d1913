"""What really differs between two stacks: resolved values and the names of secrets, not files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from infra.settings.provenance import NAMES, Provenance, Secret, Value


@dataclass(frozen=True)
class ValueDifference:
    """A key whose values differ. by_nature: it is a name of the stack's own, and each side has its own."""

    left: Value
    right: Value
    by_nature: bool = False

    @property
    def key(self) -> str:
        """``service.pool.size``."""
        return self.left.leaf.key

    @property
    def gone(self) -> tuple[Any, ...]:
        """The items of a list that only the left side has."""
        return _only(self.left.effective, self.right.effective)

    @property
    def come(self) -> tuple[Any, ...]:
        """The items of a list that only the right side has."""
        return _only(self.right.effective, self.left.effective)


@dataclass(frozen=True)
class SecretDifference:
    """A secret that one of the two stacks holds and the other does not."""

    left: Secret
    right: Secret


@dataclass(frozen=True)
class Differences:
    """Everything in which two stacks differ, in the order of the model; ``names`` differ by nature."""

    values: tuple[ValueDifference, ...]
    names: tuple[ValueDifference, ...]
    secrets: tuple[SecretDifference, ...]


def differences(left: Provenance, right: Provenance) -> Differences:
    """Compare two stacks value by value."""
    found = [
        ValueDifference(mine, other, _named_after(left, mine) and _named_after(right, other))
        for mine, other in zip(left.values, right.values, strict=True)
        if mine.effective != other.effective
    ]
    return Differences(
        tuple(each for each in found if not each.by_nature),
        tuple(each for each in found if each.by_nature),
        tuple(
            SecretDifference(mine, other)
            for mine, other in zip(left.secrets, right.secrets, strict=True)
            if mine.is_set != other.is_set
        ),
    )


def _named_after(stack: Provenance, value: Value) -> bool:
    return value.leaf.path in NAMES and value.effective == str(stack.stack)


def _only(mine: Any, other: Any) -> tuple[Any, ...]:
    if not isinstance(mine, list) or not isinstance(other, list):
        return ()
    return tuple(item for item in mine if item not in other)
