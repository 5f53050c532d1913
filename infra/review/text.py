"""A report for a terminal: plain text, the verdict first."""

from __future__ import annotations

from collections.abc import Iterator

from infra.review import words
from infra.review.change import Line
from infra.review.findings import Level
from infra.review.plan import Diagnostic
from infra.review.shown import Item, Shown
from infra.review.wording import plain
from infra.review.words import Commands
from infra.settings.flaw import printable

WIDTH = 400


def write(shown: Shown, commands: Commands) -> str:
    """The whole text, without a line break at its end."""
    sections = [[shown.report.verdict], *_sections(shown, commands)]
    return "\n\n".join(plain("\n".join(section)) for section in sections if section)


def _sections(shown: Shown, commands: Commands) -> Iterator[list[str]]:
    report = shown.report
    yield _blockers(shown, commands)
    yield _findings(shown)
    yield _renames(shown)
    for part, items in shown.parts:
        more = shown.left_out.get(part.title, 0)
        lines = [line for item in items for line in _item(item)]
        yield [part.title, *lines, *([f"  {words.left_out(more)}"] if more else [])]
    if shown.hidden_parts:
        number = sum(shown.hidden_parts.values())
        yield [f"{words.left_out(number)} of {', '.join(shown.hidden_parts)}"]
    yield [line for each in shown.diagnostics for line in _diagnostic(each)] + _more(shown, "diagnostics")
    end = [words.unused(report.unused)] if report.unused else []
    if report.changes:
        end.append(words.totals(report))
    if command := commands.apply(report):
        end.append(f"to apply exactly this: {command}")
    yield end


def _more(shown: Shown, section: str) -> list[str]:
    number = shown.left_out.get(section, 0)
    return [f"  {words.left_out(number)}"] if number else []


def _blockers(shown: Shown, commands: Commands) -> list[str]:
    if not shown.report.blockers:
        return []
    lines = ["Holds data or keys:"]
    for each in shown.blockers:
        known = ", acknowledged" if each.acknowledged else ""
        lines.append(f"  {'~' if each.acknowledged else '!'} {words.subject(each)}{known}")
        lines += [f"      {why}" for why in each.change.blocking]
        lines += (
            [f"      it looks renamed: {printable(each.change.remedy, WIDTH)}"] if each.change.remedy else []
        )
    lines += _more(shown, "acknowledgements")
    if shown.report.open:
        lines.append(f"  if that is meant: {commands.acknowledge(shown.report)}")
    return lines


def _findings(shown: Shown) -> list[str]:
    if not shown.report.findings:
        return []
    lines = ["Policies:"]
    for each in shown.findings:
        lines.append(f"  {'!' if each.level is Level.MANDATORY else '-'} {words.finding(each)}")
        lines.append(f"      {words.LEVELS[each.level]}: {printable(each.remedy, WIDTH)}")
    return lines + _more(shown, "findings")


def _renames(shown: Shown) -> list[str]:
    if not shown.report.renames:
        return []
    lines = ["Looks renamed, and would be deleted and made anew:"]
    last = ""
    for each in shown.renames:
        lines.append(f"  {each.sentence}")
        if each.remedy != last:
            lines.append(f"      to keep it: {printable(each.remedy, WIDTH)}")
        last = each.remedy
    return lines + _more(shown, "renames")


def _item(item: Item) -> Iterator[str]:
    yield f"  {item.sign} {item.line.sentence}{_marks(item.line)}"
    yield from (f"      {line}" for line in item.line.detail)


def _marks(line: Line) -> str:
    return "".join(f" [{mark}]" for mark in sorted(line.marks))


def _diagnostic(each: Diagnostic) -> list[str]:
    first, *rest = words.message(each.message) or [""]
    where = f"{printable(each.resource)}: " if each.resource else ""
    lines = [f"{each.severity}: {where}{printable(first, WIDTH)}"]
    return lines + [f"  {printable(line, WIDTH)}" for line in rest]
