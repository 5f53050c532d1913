"""Everything that the code can say to people: its strings, with a gap where a value is put in."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache

from infra.paths import ROOT

GAP = "\0"
LEAST_LETTERS = 7  # a shorter string says nothing of its own
LEAST_SHARE = 0.4  # of a message with gaps, the part that must stand in the code itself
FILLED_SHARE = 0.15  # of one whose gaps are filled


def said(quoted: str, least_share: float = LEAST_SHARE) -> bool:
    """Whether the code says this, ``…`` standing for anything. ``where: what`` counts by its last part."""
    quoted = re.sub(r"\s+", " ", quoted).strip().removeprefix("→ ")
    ends = [quoted, *(quoted[found.end() :] for found in re.finditer(r": ", quoted))]
    return any(_one_says(end, least_share) for end in ends if len(end) >= LEAST_LETTERS)


def _one_says(quoted: str, share: float) -> bool:
    least = max(LEAST_LETTERS, share * len(quoted.replace("…", "").replace(" ", "")))
    return any(letters >= least and pattern.fullmatch(quoted) for pattern, letters in _sayings())


@cache
def _sayings() -> list[tuple[re.Pattern[str], int]]:
    """Pattern, and how many letters of it are the code's own."""
    texts = {line for line in _lines() if len(_letters(line)) >= LEAST_LETTERS}
    return [(_pattern(text), len(_letters(text))) for text in sorted(texts)]


def _letters(text: str) -> str:
    return re.sub(rf"[\s{GAP}]", "", text)


def _pattern(text: str) -> re.Pattern[str]:
    parts = (re.escape(part).replace("%%", "%") for part in text.split(GAP))
    return re.compile(".*".join(parts))


def _lines() -> Iterator[str]:
    for folder in ("infra", "app"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                for line in _text(node).splitlines():
                    yield re.sub(r"\s+", " ", line).strip().removeprefix(f"{GAP}: ")  # where, then what


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return "".join(_parts(node.values)) if isinstance(node, ast.JoinedStr) else ""


def _parts(values: Iterable[ast.expr]) -> Iterator[str]:
    for value in values:
        yield str(value.value) if isinstance(value, ast.Constant) else GAP
