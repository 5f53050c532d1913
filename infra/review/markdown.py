"""A report as a comment on a pull request. Whatever comes from the plan is code: see wording.py."""

from __future__ import annotations

from collections.abc import Iterator

from infra.review import words
from infra.review.findings import Level
from infra.review.report import State
from infra.review.shown import Item, Shown
from infra.review.wording import block, code, markdown
from infra.review.words import Commands
from infra.settings.flaw import printable

WIDTH = 400
BADGES = {
    State.FAILED: "❌",
    State.BLOCKED: "🛑",
    State.ACKNOWLEDGED: "⚠️",
    State.HARMLESS: "✅",
    State.UNCHANGED: "✅",
}


def write(shown: Shown, commands: Commands) -> str:
    """The whole comment; empty where nothing changes and there is nothing to post."""
    if shown.report.state is State.UNCHANGED:
        return ""
    first = f"{BADGES[shown.report.state]} **{markdown(shown.report.verdict)}**"
    sections = [[first], *_sections(shown, commands)]
    return "\n\n".join("\n".join(section) for section in sections if section)


def _sections(shown: Shown, commands: Commands) -> Iterator[list[str]]:
    report = shown.report
    yield _blockers(shown)
    if report.open:
        yield ["If that is meant:", "", block([commands.acknowledge(report)], "sh")]
    yield _findings(shown)
    yield _renames(shown)
    for part, items in shown.parts:
        more = shown.left_out.get(part.title, 0)
        lines = [line for item in items for line in _item(item)]
        end = [f"- {words.left_out(more)}"] if more else []
        yield [f"#### {markdown(part.title)}", "", *lines, *end]
    if shown.hidden_parts:
        number = sum(shown.hidden_parts.values())
        yield [f"{words.left_out(number)} of {markdown(', '.join(shown.hidden_parts))}"]
    yield from _diagnostics(shown)
    if report.unused:
        yield [markdown(words.unused(report.unused))]
    if report.changes:
        yield [markdown(words.totals(report))]
    if command := commands.apply(report):
        yield ["To apply exactly this:", "", block([command], "sh")]


def _more(shown: Shown, section: str) -> list[str]:
    number = shown.left_out.get(section, 0)
    return [f"- {words.left_out(number)}"] if number else []


def _blockers(shown: Shown) -> list[str]:
    """A table: what, why, and what to do instead."""
    if not shown.report.blockers:
        return []
    rows = ["| Holds data or keys | What becomes of it |", "|---|---|"]
    for each in shown.blockers:
        known = " (acknowledged)" if each.acknowledged else ""
        why = list(each.change.blocking)
        why += (
            [f"it looks renamed: {code(printable(each.change.remedy, WIDTH))}"] if each.change.remedy else []
        )
        cells = [f"{words.subject(each)}{known}", "; ".join(why)]
        rows.append(f"| {' | '.join(cell(markdown(text)) for text in cells)} |")
    more = _more(shown, "acknowledgements")
    return rows + (["", *more] if more else [])


def cell(text: str) -> str:
    """A text in a table: a bar would end the cell, in code too (GitHub Flavored Markdown 4.10)."""
    return text.replace("|", "\\|")


def _findings(shown: Shown) -> list[str]:
    if not shown.report.findings:
        return []
    lines = ["#### Policies", ""]
    for each in shown.findings:
        strong = "**" if each.level is Level.MANDATORY else ""
        said = markdown(words.finding(each))
        remedy = code(printable(each.remedy, WIDTH))
        lines.append(f"- {strong}{words.LEVELS[each.level]}{strong}: {said}: {remedy}")
    return lines + _more(shown, "findings")


def _renames(shown: Shown) -> list[str]:
    if not shown.report.renames:
        return []
    lines, last = ["#### Looks renamed, and would be deleted and made anew", ""], ""
    for each in shown.renames:
        kept = "" if each.remedy == last else f"; to keep it: {code(printable(each.remedy, WIDTH))}"
        lines.append(f"- {markdown(each.sentence)}{kept}")
        last = each.remedy
    return lines + _more(shown, "renames")


def _item(item: Item) -> Iterator[str]:
    marks = "".join(f" **[{mark}]**" for mark in sorted(item.line.marks))
    sign = "**!** " if item.sign == "!" else f"`{item.sign}` "
    yield f"- {sign}{markdown(item.line.sentence)}{marks}"
    if item.line.detail:
        yield from (f"  {line}" for line in block(item.line.detail, "diff").splitlines())


def _diagnostics(shown: Shown) -> Iterator[list[str]]:
    for each in shown.diagnostics:
        where = f" of {code(printable(each.resource))}" if each.resource else ""
        lines = [printable(line, WIDTH) for line in words.message(each.message)]
        yield [f"{each.severity}{where}:", "", block(lines)]
    yield _more(shown, "diagnostics")
