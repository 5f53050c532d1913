"""A stack's review from its preview, and the same preview held against what was reviewed."""

from __future__ import annotations

import gc
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from infra.declared import declared
from infra.errors import EXIT_FAILED, Problem, UserError
from infra.policy import check as policy
from infra.policy.planned import from_preview, left_out
from infra.policy.rule import Finding, Severity
from infra.review import digest as digests
from infra.review import findings, saved
from infra.review import plan as plans
from infra.review import report as reports
from infra.review.digest import Record
from infra.review.findings import Level, Told
from infra.review.report import Report, State
from infra.settings import check

ENGINE = "pulumi preview"


@dataclass(frozen=True)
class Reviewed:
    """A report, and the plan that it is of as a record."""

    report: Report
    record: Record

    @property
    def digest(self) -> str:
        """By which the plan can be applied; empty where it cannot be, or where nothing would change."""
        done = self.report.state in (State.HARMLESS, State.ACKNOWLEDGED)
        return self.record.digest if done else ""


def policies(document: dict[str, Any], stack: str) -> tuple[Told, ...]:
    """What the rules of docs/policy.md say of a preview, or of the program where that leaves out what stays.
    Nothing for a stack whose files are not sound."""
    settings = check.examine(stack, secrets=False).settings
    if settings is None:
        return ()
    planned = declared(settings) if left_out(document) else from_preview(document)
    verdict = policy.of(settings, planned)
    return findings.merged(map(_broken, verdict.findings), (_broken(found) for found, _ in verdict.exempted))


@dataclass(frozen=True)
class _Broken:
    """A finding as the review tells it."""

    rule: str
    resource: str
    what: str
    remedy: str
    mandatory: bool


def _broken(found: Finding) -> _Broken:
    what = f"{found.path} {found.what}".lstrip()
    mandatory = found.severity is Severity.MANDATORY
    return _Broken(found.rule, found.resource, what, found.remedy, mandatory)


def reviewed(text: str, stack: str, acknowledged: Collection[str] = (), *, where: str = ENGINE) -> Reviewed:
    """The review of a preview's JSON. Raises UserError where it is none, or another stack's."""
    with _uncollected():
        return _reviewed(text, stack, acknowledged, where)


def _reviewed(text: str, stack: str, acknowledged: Collection[str], where: str) -> Reviewed:
    document = plans.document(text, where)
    plan = plans.read(document, stack, where)
    report = reports.build(plan, policies(document, stack), acknowledged)
    return Reviewed(report, digests.record(plan, report, digests.sealed(stack)))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: there are none in millions of objects of JSON, and looking for them
    takes three times as long as reading."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def require_reviewed(text: str, stack: str, digest: str, again: str) -> None:
    """Raise UserError unless the preview is the reviewed plan, and nothing forbids it. again: the command of
    a new review."""
    now = reviewed(text, stack)
    if now.report.state is State.FAILED:
        raise UserError(
            [
                Problem(each.resource or f"stack {stack}", each.message, "mend it, then review it again")
                for each in now.report.diagnostics
                if each.severity == "error"
            ],
            exit_code=EXIT_FAILED,
        )
    digests.require_same(digest, now.record, saved.find(stack, digest), again)
    forbidden = [each for each in now.report.findings if each.level is Level.MANDATORY]
    if forbidden:
        problems = [Problem(each.resource, f"{each.what} ({each.rule})", each.remedy) for each in forbidden]
        raise UserError(problems, exit_code=EXIT_FAILED)
