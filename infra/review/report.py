"""A review: the verdict, what must be acknowledged, and every change, in the order of importance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from infra.errors import EXIT_FAILED
from infra.review import changes, costs, masking, renames
from infra.review.change import Change
from infra.review.findings import Level, Told
from infra.review.plan import Diagnostic, Op, Plan
from infra.review.renames import Rename
from infra.review.wording import counted, listed, value
from infra.settings.flaw import printable

EXIT_ACKNOWLEDGE = 2
NAME_CHARS = 300
DONE = {
    Op.CREATE: "created",
    Op.UPDATE: "updated",
    Op.REPLACE: "replaced",
    Op.DELETE: "deleted",
    Op.IMPORT: "imported",
    Op.FORGET: "given up",
}


class State(StrEnum):
    """What does the review say as a whole?"""

    FAILED = "failed"
    UNCHANGED = "unchanged"
    HARMLESS = "harmless"
    ACKNOWLEDGED = "acknowledged"
    BLOCKED = "needs-acknowledgement"


@dataclass(frozen=True)
class Blocker:
    """A change that must be acknowledged by ``name``; it is told with its change."""

    name: str
    change: Change
    acknowledged: bool


@dataclass(frozen=True)
class Report:
    """What a reviewer reads. ``unused``: names that were acknowledged and that nothing asks for.

    amounts: what is asked for more or less, in one sentence; unchanged: how many resources stay.
    """

    stack: str
    state: State
    changes: tuple[Change, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    findings: tuple[Told, ...] = ()
    renames: tuple[Rename, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    unused: tuple[str, ...] = ()
    amounts: str = ""
    unchanged: int = 0

    @property
    def exit_code(self) -> int:
        """0: nothing or harmless, 1: the preview failed, 2: somebody must acknowledge something."""
        return {State.FAILED: EXIT_FAILED, State.BLOCKED: EXIT_ACKNOWLEDGE}.get(self.state, 0)

    @property
    def open(self) -> tuple[Blocker, ...]:
        """What is not acknowledged yet."""
        return tuple(each for each in self.blockers if not each.acknowledged)

    @property
    def verdict(self) -> str:
        """The first line of every report, a sentence."""
        return f"{value(self.stack)}: {self._said()}"

    @property
    def counts(self) -> str:
        """``2 created, 1 replaced``."""
        found = Counter(each.op for each in self.changes)
        return ", ".join(f"{found[op]} {word}" for op, word in DONE.items() if found[op])

    def _said(self) -> str:
        number = counted(len(self.changes), "change")
        if self.state is State.FAILED:
            errors = sum(each.severity == "error" for each in self.diagnostics)
            return f"the preview failed with {counted(errors, 'error')}; nothing is changed"
        if self.state is State.UNCHANGED:
            return "no changes"
        if self.state is State.BLOCKED:
            return f"needs acknowledgement: {' and '.join(self._asked())}"
        if self.state is State.ACKNOWLEDGED:
            return f"{number}; acknowledged: {listed(each.name for each in self.blockers)}"
        return f"{number}, nothing to acknowledge"

    def _asked(self) -> list[str]:
        mandatory = sum(each.level is Level.MANDATORY for each in self.findings)
        opened = counted(len(self.open), "thing")
        parts = [f"{opened} that {'holds' if len(self.open) == 1 else 'hold'} data or keys"] * bool(self.open)
        return parts + [counted(mandatory, "mandatory policy finding")] * bool(mandatory)


def build(plan: Plan, policy: Collection[Told] = (), acknowledged: Collection[str] = ()) -> Report:
    """The report of a plan. ``policy``: findings.merged; ``acknowledged``: names of blockers."""
    plan = masking.cleaned(plan)
    if plan.errors:
        told = sorted(plan.diagnostics, key=lambda each: each.severity != "error")
        return Report(plan.stack, State.FAILED, diagnostics=tuple(told), unused=tuple(acknowledged))
    resources = [step for step in plan.steps if step.is_resource]
    pairs = renames.find(plan)
    remedies = {pair.old.urn.text: pair.remedy for pair in pairs}
    found = _apart([changes.change(step) for step in resources])
    told_changes = [replace(each, remedy=remedies.get(each.urn, "")) for each in found]
    told_changes.sort(key=lambda each: (each.part, each.weight, each.kind, each.name, each.urn))
    blockers = _blockers(told_changes, acknowledged)
    used = {each.name for each in blockers}
    return Report(
        plan.stack,
        _state(told_changes, blockers, policy),
        tuple(told_changes),
        blockers,
        tuple(policy),
        pairs,
        plan.diagnostics,
        tuple(name for name in dict.fromkeys(acknowledged) if name not in used),
        costs.added(resources).sentence(),
        plan.unchanged,
    )


def _apart(found: list[Change]) -> list[Change]:
    """Parts of the same title with their names, where there are several of them."""
    names: dict[str, set[str]] = {}
    for each in found:
        names.setdefault(each.part.title, set()).add(each.part.name)
    alike = {title for title, of in names.items() if len(of) > 1}
    return [
        replace(each, part=replace(each.part, title=f"{each.part.title} {value(each.part.name)}"))
        if each.part.title in alike
        else each
        for each in found
    ]


def _state(changed: Collection[Change], blockers: Collection[Blocker], judged: Collection[Told]) -> State:
    if any(not each.acknowledged for each in blockers) or any(
        each.level is Level.MANDATORY for each in judged
    ):
        return State.BLOCKED
    if not changed:
        return State.UNCHANGED
    return State.ACKNOWLEDGED if blockers else State.HARMLESS


def _blockers(found: Iterable[Change], acknowledged: Collection[str]) -> tuple[Blocker, ...]:
    """By their logical names; where two have the same, the kind stands before it."""
    blocking = [each for each in found if each.blocking]
    number = Counter(each.name for each in blocking)
    names = [
        printable(each.name if number[each.name] == 1 else f"{each.kind}/{each.name}", NAME_CHARS)
        for each in blocking
    ]
    return tuple(
        Blocker(name, each, name in acknowledged) for name, each in zip(names, blocking, strict=True)
    )
