"""Whether an answer that the guide shows is the one that a command gives."""

from __future__ import annotations

import re

from tests.infra.guide.proofs import PAGES, page
from tests.infra.guide.sayings import FILLED_SHARE, said
from tests.pages import answers

VALUE = r"\S*\d\S*(?: \S*\d\S*)?"  # a figure, a version, a moment: another one in each run


def unlike(line: str, told: str, stack: str) -> list[str]:
    """Lines of the page's answer to a command that are neither in what it told, nor anything that it can say.

    Figures and what stands in brackets may differ, ``…`` stands for anything; blanks count as one.
    """
    found = " ".join(told.split())
    shown = (text for name in PAGES for command, text in answers(page(name)) if command == line)
    lines = (each.strip() for text in shown for each in text.replace("STACK", stack).splitlines())
    return [each for each in lines if not re.search(_pattern(each), found) and not said(each, FILLED_SHARE)]


def _pattern(shown: str) -> str:
    pieces = re.split(r"(\([^)]*\)|\s+)", shown)
    return "".join(map(_piece, pieces))


def _piece(piece: str) -> str:
    if not piece.strip():
        return r"\s+" if piece else ""
    if piece.startswith("("):
        return r"\([^)]*\)"
    if piece == "…":
        return ".*?"
    return VALUE if re.search(r"\d", piece) else re.escape(piece)
