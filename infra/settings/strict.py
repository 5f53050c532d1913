"""The part of YAML that a stack file may use, and what to say about the rest; document.py reads with it.

Pulumi rewrites stack files without anchors and tags and reads them as YAML 1.2: what the two versions of YAML
read differently stays text here, so that it is told wherever a number or true is wanted.
"""

from __future__ import annotations

import math
import re
from datetime import date
from typing import Any

import yaml
from yaml.reader import ReaderError

INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,29})")  # 30 digits are shown whole, and no key takes as many
FLOAT = re.compile(r"-?[0-9]+\.[0-9]*([eE][+-]?[0-9]+)?")
WHOLE = re.compile(r"[+-]?(0[xX][0-9a-fA-F]{1,16}|0[oO]?[0-7]{1,22}|0[bB][01]{1,64})")  # of 64 bits
DECIMAL = re.compile(r"[+-]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][+-]?[0-9]+)?")
SPECIAL = re.compile(r"[+-]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
CLOCK = r"([01]?[0-9]|2[0-3])(:[0-5]?[0-9]){2}(\.[0-9]+)?"
DAY = re.compile(
    rf"([0-9]{{4}})-([0-9]{{1,2}})-([0-9]{{1,2}})([Tt]{CLOCK}(Z|[+-][0-9]{{2}}:[0-9]{{2}})| +{CLOCK})?"
)
TAG = "tag:yaml.org,2002:"
PLAIN_TAGS = frozenset({"null", "bool", "int", "float", "str", "map", "seq", "timestamp", "merge", "value"})
MAX_DEPTH = 16  # the deepest key of a stack file stands at 5
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
SYNTAX = "mend the line; two spaces indent, `key: value`, text with special characters in quotes"
SPACES = "indent with two spaces"
QUOTES = "write the text in quotes"
CLOSE = "close it"
COLON = "give the line above its own colon, or put the text that has one in quotes"
# What PyYAML says, what we say, and what to do; the first whose words occur.
SAID = (
    (r"'\\t'", "holds a tab where YAML wants spaces", SPACES),
    (r"expected ',' or '\]'", "a list is opened with [ and not closed", CLOSE),
    (r"expected ',' or '\}'", "a mapping is opened with { and not closed", CLOSE),
    (r"unexpected end of stream", "a quote is opened and not closed", CLOSE),
    (r"could not find expected ':'", "a key has no colon", "write `key: value`"),
    (r"mapping values are not allowed", "a colon stands where none can be", COLON),
    (r"expected <block end>", "is not indented like the lines above it", SPACES),
    (r"cannot start any token", "text begins with a character that has a meaning in YAML", QUOTES),
    (r"expected the node content", "ends before its value", "write the value, or close what is open"),
    (r"another document", "holds a second document (---)", "keep one; every stack has a file of its own"),
    (r"tag handle|tag URI|expected URI", "tags (!name) are not supported", QUOTES),
)
AT_OPENING = (CLOSE,)  # these are pointed at where the thing begins, not at the end of the file


class NotPlainError(Exception):
    """The file cannot be used; ``place`` is line and column, both from 1."""

    def __init__(self, rule: str, what: str, remedy: str, place: tuple[int, int]) -> None:
        super().__init__(what)
        self.rule, self.what, self.remedy, self.place = rule, what, remedy, place


class _PlainLoader(yaml.SafeLoader):
    """Composes nodes, and refuses what a stack file may not hold."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        at = place(event.start_mark)
        if getattr(event, "anchor", None) is not None:
            what, remedy = "anchors and aliases (&name, *name) are not supported", "write the values out"
            raise NotPlainError("yaml-alias", what, remedy, at)
        if self.depth > MAX_DEPTH:
            raise NotPlainError("yaml-syntax", "is nested too deeply to be a stack file", SYNTAX, at)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if node is not None and node.tag.removeprefix(TAG) not in PLAIN_TAGS:
            what, remedy = "tags (!name) are not supported", "take it out, or write the text in quotes"
            raise NotPlainError("yaml-tag", what, remedy, at)
        if isinstance(node, yaml.ScalarNode) and (found := CONTROL.search(str(node.value))):
            raise NotPlainError("yaml-syntax", _control(found.group()), "take it out", at)
        return node


def compose(text: str) -> yaml.Node | None:
    """The document's node, None where it is empty. Raises NotPlainError."""
    try:
        loader = _PlainLoader(text)
    except ReaderError as error:
        before = text[: error.position]
        at = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise NotPlainError("yaml-syntax", _control(text[error.position]), "take it out", at) from None
    try:
        return _single_node(loader)
    except yaml.MarkedYAMLError as error:
        raise _explained(error) from None
    except (ValueError, OverflowError):  # PyYAML's chr() of an escape such as "\\UFFFFFFFF"
        what = "an escape (\\U…) names no character"
        at = place(loader.get_mark())
        raise NotPlainError("yaml-syntax", what, "take it out", at) from None


def _single_node(loader: _PlainLoader) -> yaml.Node | None:
    return loader.get_single_node()


def _control(character: str) -> str:
    return f"holds the control character U+{ord(character):04X}"


def _explained(error: yaml.MarkedYAMLError) -> NotPlainError:
    """In our words. PyYAML's own may quote the file, and with it a secret: they are never passed on."""
    said = str(error.problem)
    known = ((what, remedy) for form, what, remedy in SAID if re.search(form, said))
    what, remedy = next(known, ("is not YAML", SYNTAX))
    mark = error.context_mark if remedy in AT_OPENING else error.problem_mark
    rule = "yaml-tag" if what.startswith("tags") else "yaml-syntax"
    return NotPlainError(rule, what, remedy, place(mark or error.context_mark))


def place(mark: yaml.Mark | None) -> tuple[int, int]:
    """Line and column, both from 1."""
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def wrong_key(node: yaml.Node) -> tuple[str, str, str] | None:
    """Rule, what and remedy of a key that is none; None for a name."""
    if not isinstance(node, yaml.ScalarNode):
        return "yaml-syntax", "a list or a mapping stands where a key is wanted", SYNTAX
    if node.tag == f"{TAG}merge":
        return "yaml-alias", "merge keys (<<) are not supported", "write the values out"
    return None if node.value else ("yaml-syntax", "a key has no name", "write `key: value`")


def scalar(kind: str, text: str) -> Any:
    """What YAML 1.1 and 1.2 agree on: true/false, decimal numbers, null; ``yes`` or ``010`` is text."""
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind == "int" and INTEGER.fullmatch(text):
        return int(text)
    if kind == "float" and FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


def misread(text: str) -> str | None:
    """What Pulumi (go-yaml v3) takes a text without quotes for; None where it is text there too."""
    if day := DAY.fullmatch(text):
        return "a date" if _exists(*(int(part) for part in day.groups()[:3])) else None
    plain = text if text.startswith("_") else text.replace("_", "")
    if SPECIAL.fullmatch(text) or WHOLE.fullmatch(plain):
        return "a number"
    return "a number" if DECIMAL.fullmatch(plain) and math.isfinite(float(plain)) else None


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
