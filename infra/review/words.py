"""What every format of a report says in the same words: commands, reasons, what was left out."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from infra.review.findings import Level, Told
from infra.review.report import Blocker, Report, State
from infra.review.wording import counted, value

MOST_NAMES = 20
MESSAGE_LINES = 12
LEVELS = {Level.MANDATORY: "must be mended", Level.EXEMPT: "exempt", Level.ADVISORY: "advice"}
IMPORTANT_FIRST = "the most important is told first"


@dataclass(frozen=True)
class Commands:
    """What to type next. ``slipway``: the command with the options that every call needs; ``digest``: of the
    plan, or empty where it cannot be applied as it is."""

    slipway: str = "slipway"
    digest: str = ""

    def acknowledge(self, report: Report) -> str:
        """Acknowledges everything that is open, and all that was acknowledged before."""
        names = [each.name for each in report.blockers][:MOST_NAMES]
        flags = " ".join(f"--acknowledge {shlex.quote(name)}" for name in names)
        return f"{self.slipway} review {shlex.quote(report.stack)} {flags}"

    def apply(self, report: Report) -> str:
        """Applies exactly what was reviewed; empty where nothing can be."""
        if not self.digest or report.state in (State.FAILED, State.BLOCKED, State.UNCHANGED):
            return ""
        return f"{self.slipway} apply {shlex.quote(report.stack)} --reviewed {self.digest}"


def subject(blocker: Blocker) -> str:
    """``database: StatefulSet postgres-set``."""
    return f"{blocker.change.part.title}: {blocker.change.kind} {value(blocker.change.name)}"


def finding(told: Told) -> str:
    """Where, what is wrong, which rule says so."""
    return f"{value(told.resource or 'stack')}: {value(told.what, 300)} ({value(told.rule)})"


def left_out(number: int, what: str = "line") -> str:
    """``… and 3 more lines``."""
    return f"… and {counted(number, f'more {what}')}"


def message(lines: str) -> list[str]:
    """A diagnostic's lines, the first of them."""
    found = [line.rstrip() for line in lines.splitlines() if line.strip()]
    more = [f"… and {len(found) - MESSAGE_LINES} more lines"] if len(found) > MESSAGE_LINES else []
    return found[:MESSAGE_LINES] + more


def unused(names: Iterable[str]) -> str:
    """Acknowledgements that nothing asks for."""
    return f"nothing to acknowledge has the name {', '.join(value(name) for name in names)}"


def totals(report: Report) -> str:
    """``1 replaced, 2 updated, 66 unchanged; asks for +1 core``."""
    same = f"{report.unchanged} unchanged" if report.unchanged else ""
    counts = ", ".join(part for part in (report.counts, same) if part)
    return f"{counts}; asks for {report.amounts}" if report.amounts else counts
