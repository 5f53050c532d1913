"""A stack's values and their places as text and as JSON; `explain` and `diff` share it."""

from __future__ import annotations

import json
import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from infra.names import PROJECT

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from infra.settings.leaves import Leaf
    from infra.settings.provenance import Provenance, Step, Value

DEFAULT, PROFILE = "default", "profile"  # the words of provenance.Source, without its imports
MARGIN = 24  # columns at most that a wrapped line is set in
LABEL = re.compile(r"\s*\S+( \S+)*\s{2,}")
LIST_RULES = {
    "replace": "replace: a higher layer's list stands instead of the one below",
    "union": "union: a higher layer's items follow those below, each once",
}


def text(value: Any) -> str:
    """A value on one line, as a stack file would have it."""
    if isinstance(value, list):
        return f"[{', '.join(text(item) for item in value)}]"
    if value is None or isinstance(value, bool | dict):
        return json.dumps(value)
    return str(value)


def source(found: Value) -> str:
    """``default``, ``profile:7``, ``file:9``; several for a joined list; or what it follows from."""
    if found.follows:
        return found.follows[1]
    return " + ".join(layer(step) for step in found.sources)


def layer(step: Step) -> str:
    """Which layer, and its line."""
    name = {DEFAULT: DEFAULT, PROFILE: "profile"}.get(step.source, "file")
    return f"{name}:{step.line}" if step.line else name


def files(found: Provenance) -> str:
    """``file stacks/Pulumi.ledger-dev.yaml, profile stacks/profiles/dev.yaml``."""
    named = ((PROFILE if source == PROFILE else "file", file) for source, file in found.files)
    return ", ".join(f"{name} {file}" for name, file in reversed(list(named)))


def warning(found: Provenance) -> str:
    """One line that says that the files have problems; empty where they have none."""
    count = len(found.problems)
    if not count:
        return ""
    problems = f"{count} problem{'s' if count > 1 else ''}"
    return f"{problems} in these files; values as far as they can be read. See: {PROJECT} check {found.stack}"


def plain(found: Value) -> dict[str, Any]:
    """One value for scripts: what applies, every layer, the documentation."""
    return {
        "key": found.leaf.key,
        "value": found.effective,
        "source": found.sources[-1].source.value,
        "sources": [step.source.value for step in found.sources],
        "follows": found.follows[1] if found.follows else None,
        "layers": [plain_step(step) for step in found.steps],
        "documentation": _plain_leaf(found.leaf),
    }


def plain_step(step: Step) -> dict[str, Any]:
    """One layer's word for scripts."""
    place = {"file": step.file, "line": step.line, "column": step.column, "key": step.key}
    return {"layer": step.source.value, "value": step.value, **(place if step.file else {})}


def plain_secrets(found: Provenance) -> list[dict[str, Any]]:
    """Names, never values."""
    return [
        {
            "name": secret.name.value,
            "state": secret.state,
            "line": secret.line,
            "rotated": secret.rotated.isoformat() if secret.rotated else None,
            "meaning": secret.name.meaning,
        }
        for secret in found.secrets
    ]


def rounded(words: Iterable[str]) -> str:
    """``a, b or c``."""
    *first, last = words
    return f"{', '.join(first)} or {last}" if first else last


def allowed(leaf: Leaf) -> list[tuple[str, str]]:
    """What a leaf's documentation says of its form, as (name, text)."""
    lengths = (
        f"at least {leaf.shortest}" if leaf.shortest else "",
        f"at most {leaf.longest}" if leaf.longest else "",
    )
    many = leaf.least is not None and leaf.most is not None
    rows = [
        ("type", f"{leaf.kind}{', or null' if leaf.optional else ''}"),
        (
            "words",
            f"{rounded(leaf.words)} ({leaf.question})" if leaf.question else rounded(leaf.words or ("",)),
        ),
        ("range", f"{leaf.least} to {leaf.most}" if many else ""),
        ("length", " and ".join(part for part in lengths if part) + " characters" if any(lengths) else ""),
        ("pattern", leaf.pattern or ""),
        ("unit", leaf.unit or ""),
        ("list rule", LIST_RULES.get(str(leaf.list_rule), "")),
        ("example", ", ".join(text(example) for example in leaf.examples)),
    ]
    return [(name, said) for name, said in rows if said]


def _plain_leaf(leaf: Leaf) -> dict[str, Any]:
    kept = {
        "type": leaf.kind,
        "optional": leaf.optional,
        "description": leaf.description,
        "default": leaf.default,
        "vocabulary": list(leaf.words),
        "minimum": leaf.least,
        "maximum": leaf.most,
        "min_length": leaf.shortest,
        "max_length": leaf.longest,
        "pattern": leaf.pattern,
        "unit": leaf.unit,
        "list_rule": leaf.list_rule.value if leaf.list_rule else None,
        "examples": list(leaf.examples),
    }
    always = {"type", "optional", "description", "default"}
    return {name: value for name, value in kept.items() if name in always or value not in (None, [])}


def console() -> Console:
    """Standard output as it is: nothing in a value is markup, and no colours where no one looks."""
    from rich.console import Console

    return Console(highlight=False, markup=False, emoji=False)


def grid(*headings: str) -> Table:
    """A table without lines; a key stays whole, a long value goes on in the next line of its cell."""
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), show_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, overflow="fold", no_wrap=index == 0)
    return table


def wrapped(lines: Iterable[str], width: int) -> str:
    """Lines broken at spaces; the rest stands below its text. Words and paths stay whole."""
    parts = []
    for line in lines:
        indent = len(line) - len(line.lstrip())
        label = LABEL.match(line)
        parts += textwrap.wrap(
            line,
            max(width, 2 * MARGIN),
            subsequent_indent=" " * min(len(label[0]) if label else indent, MARGIN),
            break_long_words=False,
            break_on_hyphens=False,
        ) or [""]
    return "\n".join(parts)
