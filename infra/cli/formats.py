"""The reports of `slipway check` as text, JSON and workflow commands of GitHub; sarif.py has the fourth.

Pure functions. A problem that several stacks share, one of a profile, is shown once with their names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from infra.settings.check import Report
from infra.settings.flaw import Flaw, Level

JSON_VERSION = 1
COMMANDS = {Level.ERROR: "error", Level.NOTE: "notice"}


def shared(reports: Sequence[Report]) -> dict[Flaw, list[str]]:
    """Every flaw once, each with the stacks it hits, in the order of the reports."""
    found: dict[Flaw, list[str]] = {}
    for report in reports:
        for flaw in (*report.errors, *report.notes):
            found.setdefault(flaw, []).append(report.stack)
    return found


def is_of_a_file(flaw: Flaw) -> bool:
    """Whether ``file`` is a path; a name that can be no stack's has none."""
    return flaw.file.endswith((".yaml", ".yml"))


def text(reports: Sequence[Report], seconds: float) -> str:
    """For people: the problems of one file together, then one line that sums up."""
    files: dict[str, list[str]] = {}
    for flaw, stacks in shared(reports).items():
        lines = [_line(flaw), f"  → {flaw.remedy}"]
        if len(stacks) > 1:
            lines.append(f"  concerns {', '.join(stacks)}")
        files.setdefault(flaw.file, []).extend(lines)
    return "\n\n".join(["\n".join(lines) for lines in files.values()] + [summary(reports, seconds)])


def _line(flaw: Flaw) -> str:
    said = "note: " if flaw.level is Level.NOTE else ""
    return f"{flaw.where}: {said}{flaw.what}"


def summary(reports: Sequence[Report], seconds: float) -> str:
    """``21 stacks are sound (0.08 s)``, or how many problems there are in how many of them."""
    broken = [report for report in reports if report.errors]
    problems = sum(flaw.level is Level.ERROR for flaw in shared(reports))
    if not broken:
        said = f"{counted(len(reports), 'stack')} {'is' if len(reports) == 1 else 'are'} sound"
    else:
        where = f" in {len(broken)} of them" if len(reports) > 1 else ""
        said = f"{counted(len(reports), 'stack')} checked, {counted(problems, 'problem')}{where}"
    return f"{said} ({seconds:.2f} s)"


def counted(number: int, noun: str) -> str:
    """``1 stack``, ``3 stacks``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def as_json(reports: Sequence[Report], policy: Mapping[str, Any] | None = None) -> str:
    """For programs. The form is kept; a change that breaks a reader raises ``version``.

    ``{"version": 1, "stacks": [{"stack": name, "sound": bool, "errors": [flaw…], "notes": [flaw…]}…]}``, a
    flaw being ``{"file", "rule", "what", "remedy": texts, "line", "column": from 1, or null, "key": path or
    empty, "value": as the file has it, "(hidden)" or null, "level": "error" or "note"}``. With ``--policy``
    also ``"policy": {"rules", "resources": numbers, "planned_by": "program" or "preview"}``; the key of what
    it finds is the resource's name in Pulumi and its property.
    """
    stacks = [
        {
            "stack": report.stack,
            "sound": not report.errors,
            "errors": [flaw.plain() for flaw in report.errors],
            "notes": [flaw.plain() for flaw in report.notes],
        }
        for report in reports
    ]
    whole = {"version": JSON_VERSION, "stacks": stacks, **({"policy": dict(policy)} if policy else {})}
    return json.dumps(whole, indent=2, ensure_ascii=False)


def github(reports: Sequence[Report], seconds: float) -> str:
    """Workflow commands, which GitHub shows at the line of a pull request, and the line that sums up."""
    commands = [_command(flaw, stacks) for flaw, stacks in shared(reports).items()]
    return "\n".join([*commands, summary(reports, seconds)])


def _command(flaw: Flaw, stacks: Sequence[str]) -> str:
    properties: dict[str, object] = {"file": flaw.file} if is_of_a_file(flaw) else {}
    if flaw.line:
        properties |= {"line": flaw.line, "col": flaw.column}
    properties["title"] = f"{flaw.rule} {flaw.key}".rstrip()
    said = f"{flaw.key or flaw.file}: {flaw.what}\n→ {flaw.remedy}"
    if len(stacks) > 1:
        said += f"\nconcerns {', '.join(stacks)}"
    listed = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{COMMANDS[flaw.level]} {listed}::{_data(said)}"


def _data(said: str) -> str:
    """Escaped as docs.github.com, "Workflow commands for GitHub Actions", has it."""
    return said.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(said: str) -> str:
    return _data(said).replace(":", "%3A").replace(",", "%2C")
