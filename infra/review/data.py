"""A report for programs: JSON whose form is kept. What people read stands in it in the same words."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from infra.review import words
from infra.review.report import DONE
from infra.review.shown import Item, Shown
from infra.review.wording import plain
from infra.review.words import Commands

VERSION = 1  # a change that breaks a reader raises it


def write(shown: Shown, commands: Commands) -> str:
    """``{"version", "stack", "state", "exit_code", "verdict", "digest", "counts", "unchanged", "asks_for",
    "acknowledge": [{"name", "acknowledged", "part", "kind", "resource", "why": [texts], "remedy"}],
    "findings": [{"level", "rule", "resource", "what", "remedy"}], "renames": [{"from", "to", "remedy"}],
    "parts": [{"part", "lines": [{"sign", "text", "marks", "detail"}]}], "diagnostics": [{"severity",
    "resource", "lines"}], "unused_acknowledgements", "left_out": {section: number}, "commands"}``."""
    report = shown.report
    counts = Counter(each.op for each in report.changes)
    document = {
        "version": VERSION,
        "stack": report.stack,
        "state": report.state.value,
        "exit_code": report.exit_code,
        "verdict": report.verdict,
        "digest": commands.digest if commands.apply(report) else None,
        "counts": {word.replace(" ", "_"): counts[op] for op, word in DONE.items()},
        "unchanged": report.unchanged,
        "asks_for": report.amounts,
        **_told(shown),
        "unused_acknowledgements": list(report.unused),
        "left_out": shown.left_out,
        "commands": {
            "acknowledge": commands.acknowledge(report) if report.open else None,
            "apply": commands.apply(report) or None,
        },
    }
    return json.dumps(_plain(document), indent=1, ensure_ascii=False)


def _told(shown: Shown) -> dict[str, Any]:
    """What is cut where there is no room for it."""
    parts = [{"part": part.title, "lines": [_line(item) for item in items]} for part, items in shown.parts]
    findings = [
        {"level": e.level.value, "rule": e.rule, "resource": e.resource, "what": e.what, "remedy": e.remedy}
        for e in shown.findings
    ]
    renames = [{"from": e.old.urn.text, "to": e.new.urn.text, "remedy": e.remedy} for e in shown.renames]
    diagnostics = [
        {"severity": e.severity, "resource": e.resource, "lines": words.message(e.message)}
        for e in shown.diagnostics
    ]
    return {
        "acknowledge": _blockers(shown),
        "findings": findings,
        "renames": renames,
        "parts": parts,
        "diagnostics": diagnostics,
    }


def _blockers(shown: Shown) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "acknowledged": each.acknowledged,
            "part": each.change.part.title,
            "kind": each.change.kind,
            "resource": each.change.name,
            "why": list(each.change.blocking),
            "remedy": each.change.remedy or None,
        }
        for each in shown.blockers
    ]


def _line(item: Item) -> dict[str, Any]:
    marks = sorted(mark.value for mark in item.line.marks)
    return {"sign": item.sign, "text": item.line.sentence, "marks": marks, "detail": list(item.line.detail)}


def _plain(value: Any) -> Any:
    """Without the marks around values, at every place."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, dict):
        return {plain(key): _plain(member) for key, member in value.items()}
    return [_plain(member) for member in value] if isinstance(value, list) else value
