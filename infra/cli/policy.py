"""`slipway check --policy`: the rules of docs/policy.md on what the program declares, or a saved preview."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from infra.cli.formats import counted
from infra.declared import declared
from infra.errors import EXIT_USAGE, UserError
from infra.policy.catalogue import RULES
from infra.policy.check import IDLE, Verdict, of
from infra.policy.planned import Resource, from_preview, left_out
from infra.policy.rule import Finding, Severity
from infra.settings import document
from infra.settings.check import Report
from infra.settings.flaw import Flaw, Level
from infra.settings.layers import Layer, stack_file
from infra.settings.policy import Exemption

LEVELS = {Severity.MANDATORY: Level.ERROR, Severity.ADVISORY: Level.NOTE}
NAMED: Mapping[str, tuple[str, Level]] = {
    **{rule.name: (rule.title, LEVELS[rule.severity]) for rule in RULES},
    IDLE: ("An exemption accepts something.", Level.NOTE),
}
APPLIED = sum(bool(rule.environments) for rule in RULES)
PATH = ("policy", "exempt")


@dataclass(frozen=True)
class Judged:
    """Reports with what the rules found. ``planned_by``: ``program``, or ``preview`` for a saved one;
    ``stacks`` and ``resources``: how many were judged."""

    reports: list[Report]
    stacks: int
    resources: int
    planned_by: str

    @property
    def named(self) -> Mapping[str, tuple[str, Level]]:
        """Every rule with what it asks, and whether it stops a stack."""
        return NAMED

    def plain(self) -> dict[str, Any]:
        """For programs."""
        return {"rules": APPLIED, "resources": self.resources, "planned_by": self.planned_by}

    def __str__(self) -> str:
        source = "as a saved pulumi preview has them"
        if self.planned_by == "program":
            source = "as the program declares them; no engine, cluster or secret was asked"
        left = len(self.reports) - self.stacks
        skipped = f" ({left} not planned)" if left else ""
        resources, stacks = counted(self.resources, "resource"), counted(self.stacks, "stack")
        return f"policy: {APPLIED} rules on {resources} of {stacks}{skipped}, {source}"


def judged(reports: Sequence[Report], preview: str | None = None) -> Judged:
    """Hold the rules against every sound stack. ``preview``: the file of its ``pulumi preview --json``, ``-``
    for standard input; then one stack alone. Raises UserError where that cannot be used, or where the program
    refuses what the stack names."""
    found, resources, stacks = [], 0, 0
    for report in reports:
        if report.settings is None:
            found.append(report)
            continue
        planned = saved(preview, report.stack) if preview else declared(report.settings)
        stacks, resources = stacks + 1, resources + len(planned)
        found.append(_with(report, of(report.settings, planned)))
    return Judged(found, stacks, resources, "preview" if preview else "program")


def saved(file: str, stack: str) -> list[Resource]:
    """The resources of a saved preview. Raises UserError where it is none, or failed, or another stack's."""
    where = f"--plan {file}"
    target = "plan.json" if file == "-" else file
    again = f"write it anew: pulumi preview --json --show-sames --stack {stack} > {target}"
    try:
        digest = json.loads(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except OSError as error:
        what = f"cannot be read: {(error.strerror or str(error)).lower()}"
        raise UserError.of(where, what, again, exit_code=EXIT_USAGE) from None
    except ValueError:
        raise UserError.of(where, "is not JSON", again, exit_code=EXIT_USAGE) from None
    steps = digest.get("steps") if isinstance(digest, Mapping) else None
    if not isinstance(steps, list):
        raise UserError.of(where, "is not what pulumi preview --json writes", again, exit_code=EXIT_USAGE)
    if any(said.get("severity") == "error" for said in digest.get("diagnostics") or ()):
        what = "the preview ended in an error, and what it planned is not all"
        raise UserError.of(where, what, again, exit_code=EXIT_USAGE)
    if missing := left_out(digest):
        what = f"leaves out {missing} resources that stay as they are, and rules look at all of them"
        raise UserError.of(where, what, again, exit_code=EXIT_USAGE)
    planned = from_preview(digest)
    other = {each.urn.split(":")[2] for each in planned} - {stack}
    if other:
        what = f"is of the stack {', '.join(sorted(other))}, and {stack} was named"
        raise UserError.of(where, what, again, exit_code=EXIT_USAGE)
    return planned


def _with(report: Report, verdict: Verdict) -> Report:
    """The report with the findings: mandatory ones are errors, all else is a note."""
    flaws = [_flaw(report, finding) for finding in verdict.findings]
    errors = tuple(flaw for flaw in flaws if flaw.level is Level.ERROR)
    notes = [flaw for flaw in flaws if flaw.level is Level.NOTE]
    notes += _accepted(report, verdict)
    settings = None if errors else report.settings
    return replace(report, settings=settings, errors=errors, notes=(*report.notes, *notes))


def _flaw(report: Report, finding: Finding) -> Flaw:
    if finding.rule == IDLE:
        number = int(finding.path.rpartition("[")[2].removesuffix("]"))
        return replace(_at(report, number, IDLE, finding.what, finding.remedy), level=Level.NOTE)
    file = document.display(stack_file(report.stack))
    level = LEVELS[finding.severity]
    return Flaw(file, finding.rule, finding.what, finding.remedy, key=finding.where, level=level)


def _accepted(report: Report, verdict: Verdict) -> Iterator[Flaw]:
    """What is exempt, at its exemption: nobody forgets what was accepted."""
    numbers = {exemption: number for number, exemption in enumerate(_exempt(report))}
    for finding, exemption in verdict.exempted:
        until = f" until {exemption.until}" if exemption.until else ""
        what = f"{finding.where} {finding.what}; exempt from {finding.rule}{until}: {exemption.reason}"
        remedy = "take the exemption out as soon as it is mended"
        found = _at(report, numbers[exemption], finding.rule, what, remedy)
        yield replace(found, level=Level.NOTE)


def _exempt(report: Report) -> tuple[Exemption, ...]:
    return report.settings.policy.exempt if report.settings else ()


def _at(report: Report, number: int, rule: str, what: str, remedy: str) -> Flaw:
    """At an exemption, in the file whose list applies."""
    layer: Layer = next(layer for layer in reversed(report.layers) if layer.has(PATH))
    return layer.flaw((*PATH, number), rule, what, remedy)
