"""The one shape of a message to the user: where, what is wrong, what to do about it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong.

    where: key path, ``file:line:column`` or the part's name; what: the value received and why it cannot be;
    remedy: what to do, a command where there is one. None of the three ever holds a secret's value.
    """

    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  → {self.remedy}"


class UserError(Exception):
    """Something the user can mend. Holds every problem found, never only the first."""

    def __init__(self, problems: Iterable[Problem], *, exit_code: int = EXIT_FAILED) -> None:
        self.problems = tuple(problems)
        self.exit_code = exit_code
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def of(cls, where: str, what: str, remedy: str, *, exit_code: int = EXIT_FAILED) -> UserError:
        """A UserError with a single problem."""
        return cls([Problem(where, what, remedy)], exit_code=exit_code)
