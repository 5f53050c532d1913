"""The one face of GitHub and GitLab: notes on a pull request, issues of the repository."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from infra.errors import EXIT_USAGE, UserError


@dataclass(frozen=True)
class Note:
    """A comment or an issue; ``ours``: written by this very job's account."""

    number: int
    body: str
    ours: bool


class Forge(Protocol):
    """What the pipelines write there. Every method raises UserError for a refusal."""

    most_chars: int
    run: str  # address of this run

    def notes(self) -> list[Note]:
        """Every comment of the pull request."""

    def add_note(self, body: str) -> None:
        """Comment on the pull request."""

    def change_note(self, number: int, body: str) -> None:
        """Another text in a comment."""

    def remove_note(self, number: int) -> None:
        """Take a comment away."""

    def issues(self) -> list[Note]:
        """Every open issue."""

    def add_issue(self, title: str, body: str) -> None:
        """Open an issue."""

    def change_issue(self, number: int, title: str, body: str) -> None:
        """Another text in an issue."""

    def close_issue(self, number: int, why: str) -> None:
        """Say why, and close it."""


def variable(environment: Mapping[str, str], name: str, remedy: str) -> str:
    """A variable of the job. Raises UserError where it is missing or empty."""
    value = environment.get(name, "")
    if not value:
        raise UserError.of(name, "is not set", remedy, exit_code=EXIT_USAGE)
    return value
