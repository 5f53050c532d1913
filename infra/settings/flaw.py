"""One thing that is wrong with a stack file: where it stands, which rule it breaks, what to do."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from infra.errors import Problem, UserError

SHOWN_CHARS = 60
MASK = "(hidden)"
SECRETIVE = re.compile(r"password|passwd|secret|token|credential|private|api_?key|access_?key", re.IGNORECASE)
CREDENTIALS = re.compile(r"(^|/)[^/@\s]*:[^/@\s]*@(?!sha256:)")  # user:password@, also without a scheme
KEY_MATERIAL = re.compile(
    r"-----BEGIN|\b(sk|ghp|gho|ghs|glpat|xox[abp]|AKIA|ASIA|eyJ)[-_A-Za-z0-9]{12}"
    r"|(?<!sha256:)(?<![0-9A-Za-z+=])(?=[+=0-9]*[A-Za-z])(?=[+=A-Za-z]*[0-9])[0-9A-Za-z+=]{32,}"
)
# password: hunter2, token=hunter2; but /token:1.4.2 and /token=10/20/30 are of an image and a path
TOLD = re.compile(
    rf"(?<![\w./-])[\w.-]*({SECRETIVE.pattern})[\w-]{{0,40}}[\"']?\s{{0,3}}[:=](?=.)",
    re.IGNORECASE | re.DOTALL,
)
RUN_TOGETHER = re.compile(r"[A-Za-z_][\w.-]*:[^\s/:]")
NAMING = re.compile(
    r"(^|[.:])(tls_secret|secrets_?provider|login_token_seconds|token_url)$"
)  # only sound like a secret's


class Level(StrEnum):
    """Does it stop the stack?"""

    ERROR = "error"
    NOTE = "note"


@dataclass(frozen=True)
class Flaw:
    """``line`` and ``column`` count from 1 and are None where the file has no such place.

    key: the key path as the file writes it, empty for the file as a whole; rule: a name such as
    ``unknown-key``; value: what was received, as the file has it, hidden where it may be a secret.
    """

    file: str
    rule: str
    what: str
    remedy: str
    line: int | None = None
    column: int | None = None
    key: str = ""
    value: str | None = None
    level: Level = Level.ERROR

    @property
    def where(self) -> str:
        """``file:line:column key``."""
        place = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{place} {self.key}".rstrip()

    @property
    def problem(self) -> Problem:
        """The same as a message of the command."""
        return Problem(self.where, self.what, self.remedy)

    def plain(self) -> dict[str, Any]:
        """The same as JSON's types."""
        return {**asdict(self), "level": self.level.value}

    def __str__(self) -> str:
        return str(self.problem)


def in_order(flaws: Iterable[Flaw]) -> tuple[Flaw, ...]:
    """Each once, by file and line; what has no line stands first in its file."""
    return tuple(
        sorted(dict.fromkeys(flaws), key=lambda flaw: (flaw.file, flaw.line or 0, flaw.column or 0, flaw.key))
    )


class RefusedError(UserError):
    """The stack file cannot be used; ``flaws`` says why. Its text is what ``slipway check`` prints."""

    def __init__(self, flaws: Iterable[Flaw]) -> None:
        self.flaws = tuple(flaws)
        super().__init__(flaw.problem for flaw in self.flaws)


def printable(text: str, most: int = SHOWN_CHARS) -> str:
    """Text that can stand in a terminal's line: cut where long, unprintable characters as escapes."""
    cut = text if len(text) <= most else f"{text[: most - 1]}…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)


def may_be_secret(text: str, key: str = "") -> bool:
    """Whether nobody may see the text: by the key it stands at, or by what it looks like itself."""
    by_key = SECRETIVE.search(key) and not (NAMING.search(key) and " " not in text)
    return bool(by_key or any(form.search(text) for form in (CREDENTIALS, KEY_MATERIAL, TOLD)))


def safe(text: str, key: str = "") -> str:
    """The text as it is, or what stands for it where it may be a secret."""
    return MASK if may_be_secret(text, key) else text


def key_name(key: str) -> str:
    """A key that can be printed, without the value that may follow it for want of a space."""
    if told := TOLD.search(key):
        return f"{printable(key[: told.end() - 1])}:{MASK}"
    return printable(safe(key))


def is_run_together(text: str) -> bool:
    """``password:hunter2``: a key and its value without the space between them, which may be a secret."""
    return bool(RUN_TOGETHER.match(text))


def shown(key: str, value: Any, *, quoted: bool = True) -> str | None:
    """A value as the file has it, cut where long, hidden where it may be a secret; None for a list or a
    mapping. ``quoted``: whether text stands in quotes in the file."""
    if isinstance(value, dict | list):
        return None
    if value is None or isinstance(value, bool):
        return "null" if value is None else str(value).lower()
    text = str(value)
    if may_be_secret(text, key):
        return MASK
    return printable(f'"{text}"' if isinstance(value, str) and quoted else text)
