"""A problem of the start: where, what, remedy. The same shape of message as the slipway command's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_MISCONFIGURED = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with the environment. None of the three parts ever holds a secret's value."""

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  → {self.remedy}"


class MisconfiguredError(Exception):
    """The service cannot start with this environment. Holds every problem, never only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))
