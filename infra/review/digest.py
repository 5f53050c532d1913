"""A plan's digest, so that what was reviewed is what is applied, and a record to say in words what differs.

Masked secrets look alike. What a secret is follows from the stack file, so that its ciphertexts count: they
change with every value that is set, and tell nothing about it (docs/decisions/0029).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from infra.errors import EXIT_FAILED, EXIT_USAGE, Problem, UserError
from infra.review.differences import canonical
from infra.review.plan import Plan, Step
from infra.review.report import Report
from infra.review.wording import plain
from infra.settings import document, layers

VERSION = 1
DIGITS = 32  # 128 bits: nobody makes another plan with the same
FORM = re.compile(rf"[0-9a-f]{{{DIGITS}}}")
SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class Record:
    """What a digest was made of. ``steps``: URN → fingerprint; ``secrets``: path → fingerprint; ``words``:
    URN → the lines that were told of it."""

    stack: str
    steps: Mapping[str, str]
    secrets: Mapping[str, str]
    words: Mapping[str, tuple[str, ...]]

    @property
    def digest(self) -> str:
        """The same for the same plan of the same stack, whatever order it came in."""
        return _hash([VERSION, self.stack, dict(self.steps), dict(self.secrets)])

    def plain(self) -> dict[str, Any]:
        """The same as JSON's types."""
        return {
            "version": VERSION,
            "stack": self.stack,
            "digest": self.digest,
            "steps": dict(self.steps),
            "secrets": dict(self.secrets),
            "words": {urn: list(lines) for urn, lines in self.words.items()},
        }

    def text(self) -> str:
        """The same for a file."""
        return json.dumps(self.plain(), indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, text: str) -> Record:
        """Raises ValueError for a text that is no record, or one that was changed."""
        held = json.loads(text)
        if not isinstance(held, dict) or held.get("version") != VERSION:
            raise ValueError("is of another version")
        parts: list[Any] = [held.get(key) for key in ("steps", "secrets", "words")]
        if not all(isinstance(part, dict) for part in parts):
            raise ValueError("lacks a part")
        told = {str(urn): tuple(map(str, lines)) for urn, lines in parts[2].items()}
        record = cls(str(held.get("stack")), parts[0], parts[1], told)
        if record.digest != held.get("digest"):
            raise ValueError("was changed since it was written")
        return record


@dataclass(frozen=True)
class Sealed:
    """The secrets of a stack file, path → ciphertext, and what is mixed into every fingerprint of it."""

    ciphertexts: Mapping[str, str]
    salt: str


def record(plan: Plan, report: Report, sealed: Sealed) -> Record:
    """What the plan is, to be compared with later."""
    words = {
        each.urn: tuple(plain(f"{each.part.title}: {line.sentence}") for line in each.lines)
        for each in report.changes
    }
    # Salted: a provider may leave a secret in the clear, and nobody shall try words against its hash.
    steps = {step.urn.text: _hash([sealed.salt, *_what(step)]) for step in plan.steps}
    secrets = {path: _hash(text) for path, text in sealed.ciphertexts.items()}
    return Record(plan.stack, steps, secrets, words)


def _what(step: Step) -> list[Any]:
    return [
        step.op.value,
        step.old,
        step.new,
        dict(step.paths),
        sorted(step.forced),
        step.gone,
        step.before,
    ]


def _hash(value: Any) -> str:
    return hashlib.sha256(canonical(value).encode("utf-8", "surrogatepass")).hexdigest()[:DIGITS]


def sealed(stack: str) -> Sealed:
    """Every ciphertext of the stack file by its path; none where there is no file."""
    file = layers.stack_file(stack)
    held = document.read(file).data if file.is_file() else {}
    salt = "".join(str(held.get(key, "")) for key in ("encryptionsalt", "encryptedkey"))
    return Sealed(dict(_ciphertexts(held.get("config"), "")), salt)


def _ciphertexts(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        if set(value) == {"secure"}:
            yield path, str(value["secure"])
            return
        for key, member in value.items():
            yield from _ciphertexts(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _ciphertexts(member, f"{path}[{index}]")


def require_form(digest: str) -> None:
    """Raise UserError for a text that can be no digest, before anything is asked of the engine."""
    if not FORM.fullmatch(digest):
        what = f"{digest[:60]!r} is no digest of a plan: {DIGITS} digits and letters a to f"
        remedy = "take it from the last line of: slipway review STACK"
        raise UserError.of("--reviewed", what, remedy, exit_code=EXIT_USAGE)


def require_same(digest: str, now: Record, reviewed: Record | None, again: str) -> None:
    """Raise UserError where the plan is another than the reviewed one, with every difference in words.

    reviewed: what was saved with the digest, None where it is not on this machine; again: the command that
    reviews the plan as it is now.
    """
    if now.digest == digest:
        return
    found = list(_differences(reviewed, now, again)) if reviewed else _unsaid(now, again)
    where, left = f"stack {now.stack}", len(found) - SHOWN_PROBLEMS
    more = [Problem(where, f"differs in {left} more resources", again)] if left > 0 else []
    first = Problem(where, "the plan has changed since it was reviewed; nothing was applied", again)
    raise UserError([first, *found[:SHOWN_PROBLEMS], *more], exit_code=EXIT_FAILED)


def _differences(reviewed: Record, now: Record, again: str) -> Iterator[Problem]:
    for urn in sorted({*reviewed.steps, *now.steps}):
        if reviewed.steps.get(urn) != now.steps.get(urn):
            sides = ["; ".join(side.words.get(urn, ())) for side in (reviewed, now)]
            yield Problem(
                urn.rpartition("::")[2], _said(sides, urn in reviewed.steps, urn in now.steps), again
            )
    for path in sorted({*reviewed.secrets, *now.secrets}):
        if reviewed.secrets.get(path) != now.secrets.get(path):
            yield Problem(path, "this secret of the stack file is not the one that was reviewed", again)


def _said(sides: list[str], was: bool, will: bool) -> str:
    before, after = (side or "changes" for side in sides)
    if not will:
        return f"was reviewed, and would not happen now: {before}"
    if not was:
        return f"was not reviewed: {after}"
    if before == after:
        return f"changes otherwise than was reviewed, in what is not shown: {after}"
    return f"reviewed was: {before}; now it would be: {after}"


def _unsaid(now: Record, again: str) -> list[Problem]:
    """Without the record there is nothing to compare with: only what would happen now."""
    lines = [(urn, "; ".join(words)) for urn, words in sorted(now.words.items())]
    return [Problem(urn.rpartition("::")[2], f"would happen now: {said}", again) for urn, said in lines]
