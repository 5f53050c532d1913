"""A report as items in the order of reading, and as many of the most important as there is room for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from infra.review.change import Change, Line
from infra.review.components import Part
from infra.review.findings import Level, Told
from infra.review.labels import Mark
from infra.review.plan import Diagnostic, Op
from infra.review.renames import Rename
from infra.review.report import Blocker, Report
from infra.review.wording import counted, listed

LIMIT = 60_000  # characters of a report; GitHub takes comments of 65,536
MOST_ITEMS = 600
MOST_NAMES = 20
SIGNS = {Op.CREATE: "+", Op.IMPORT: "+", Op.DELETE: "-", Op.FORGET: "-"}


@dataclass(frozen=True)
class Item:
    """One line of a part. ``sign``: + - ~, or ! where it must be acknowledged."""

    part: Part
    sign: str
    line: Line
    weight: int


Entry = Blocker | Told | Rename | Diagnostic | Item


@dataclass(frozen=True)
class Shown:
    """``left_out`` counts what is not shown, by a part's title or the name in SECTIONS."""

    report: Report
    blockers: tuple[Blocker, ...]
    findings: tuple[Told, ...]
    renames: tuple[Rename, ...]
    diagnostics: tuple[Diagnostic, ...]
    items: tuple[Item, ...]
    left_out: dict[str, int]

    @property
    def parts(self) -> list[tuple[Part, list[Item]]]:
        """The items of each part, in the order of the parts."""
        return [(part, list(items)) for part, items in groupby(self.items, key=lambda item: item.part)]

    @property
    def hidden_parts(self) -> dict[str, int]:
        """Parts of which nothing is shown, with the number of their lines."""
        seen = {part.title for part, _ in self.parts} | set(SECTIONS.values())
        return {title: number for title, number in self.left_out.items() if title not in seen}


SECTIONS = {
    Blocker: "acknowledgements",
    Told: "findings",
    Rename: "renames",
    Diagnostic: "diagnostics",
}


def fitting(report: Report, write: Callable[[Shown], str], limit: int = LIMIT) -> str:
    """The report as ``write`` writes it, below ``limit`` characters: the least important goes first."""
    entries = list(_entries(report))
    ranked = sorted(range(len(entries)), key=lambda index: (_weight(entries[index]), index))
    most = min(len(ranked), MOST_ITEMS)
    text = write(_cut(report, entries, set(ranked[:most])))
    fits, most = 0, most + 1
    if len(text) < limit:
        return text
    while most - fits > 1:  # the most that fit lie between the two
        middle = (fits + most) // 2
        if len(write(_cut(report, entries, set(ranked[:middle])))) < limit:
            fits = middle
        else:
            most = middle
    return write(_cut(report, entries, set(ranked[:fits])))


def _entries(report: Report) -> Iterator[Entry]:
    yield from report.blockers
    yield from report.findings
    yield from report.renames
    for _, changed in groupby(report.changes, key=lambda each: each.part):
        yield from _items(list(changed))
    yield from report.diagnostics


def _items(changed: list[Change]) -> Iterator[Item]:
    """The lines of a part's changes; of what is only new, gone or moved one line tells many by name."""
    alike: dict[tuple[str, str, frozenset[Mark]], list[Change]] = {}
    for each in changed:
        sign = "!" if each.blocking else SIGNS.get(each.op, "~")
        if each.together:
            alike.setdefault((sign, each.together, each.marks), []).append(each)
            continue
        for line in each.lines:
            yield Item(each.part, sign, line, 0 if each.blocking else _line_weight(line))
    for (sign, begun, marks), members in sorted(alike.items(), key=lambda item: item[0][:2]):
        one = members[0].lines[0]
        line = one if len(members) == 1 else Line(f"{begun}: {_names(members)}", marks)
        yield Item(members[0].part, sign, line, min(4, _line_weight(line) + 1))


def _names(changed: Iterable[Change]) -> str:
    """``2 ConfigMaps a and b, Service c``: by kind."""
    kinds = []
    for kind, group in groupby(sorted(changed, key=lambda each: each.kind), key=lambda each: each.kind):
        names = [each.name for each in group]
        kinds.append(f"{kind if len(names) == 1 else counted(len(names), kind)} {listed(names, MOST_NAMES)}")
    return "; ".join(kinds)


def _line_weight(line: Line) -> int:
    return 1 if Mark.SECURITY in line.marks else 2 if line.marks else 3


def _weight(entry: Entry) -> int:
    if isinstance(entry, Blocker):
        return 1 if entry.acknowledged else 0
    if isinstance(entry, Told):
        return {Level.MANDATORY: 0, Level.EXEMPT: 1}.get(entry.level, 3)
    if isinstance(entry, Rename):
        return 1
    if isinstance(entry, Diagnostic):
        return 0 if entry.severity == "error" else 3
    return entry.weight


def _cut(report: Report, entries: list[Entry], kept: set[int]) -> Shown:
    left: dict[str, int] = {}
    for index, entry in enumerate(entries):
        if index not in kept:
            title = entry.part.title if isinstance(entry, Item) else SECTIONS[type(entry)]
            left[title] = left.get(title, 0) + 1
    shown = [entry for index, entry in enumerate(entries) if index in kept]
    return Shown(
        report,
        tuple(each for each in shown if isinstance(each, Blocker)),
        tuple(each for each in shown if isinstance(each, Told)),
        tuple(each for each in shown if isinstance(each, Rename)),
        tuple(each for each in shown if isinstance(each, Diagnostic)),
        tuple(each for each in shown if isinstance(each, Item)),
        left,
    )
