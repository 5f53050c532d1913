"""Reads one YAML file into plain data plus the place of every key; nothing here knows a section."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from infra import paths
from infra.errors import Problem

KeyPath = tuple[str | int, ...]
MAX_BYTES = 256 * 1024  # a stack file has tens of lines; anything this large is another file
INTEGER = re.compile(r"-?(0|[1-9][0-9]*)")
TAG = "tag:yaml.org,2002:"
SYNTAX = "mend the line; two spaces indent, `key: value`, text with special characters in quotes"


class _NoAliases(yaml.SafeLoader):
    """Pulumi rewrites stack files and drops anchors, so that a file with them would change its meaning."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(problem="aliases (*name) are not supported", problem_mark=mark)
        return super().compose_node(parent, index)


@dataclass
class Document:
    """``data`` is plain; ``places`` maps a key path to its (line, column), both from 1."""

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    places: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def where(self, path: KeyPath) -> str:
        """``file:line:column`` of the key, or of its nearest ancestor; the file alone where there is none."""
        for length in range(len(path), -1, -1):
            if place := self.places.get(path[:length]):
                return f"{self.file}:{place[0]}:{place[1]}"
        return self.file


def display(path: Path) -> str:
    """The path as the user knows it: from the project's root where it lies below it."""
    return str(path.relative_to(paths.ROOT)) if path.is_relative_to(paths.ROOT) else str(path)


def read(path: Path) -> Document:
    """Parse the file. What is wrong with it as YAML stands in ``problems``; OSError is not caught."""
    document = Document(display(path))
    raw = path.read_bytes()
    if len(raw) > MAX_BYTES:
        document.problems.append(
            Problem(
                document.file,
                f"has {len(raw)} bytes; a stack file has at most {MAX_BYTES}",
                "is it the right file?",
            )
        )
        return document
    try:
        root = yaml.compose(raw.decode("utf-8"), Loader=_NoAliases)
    except UnicodeDecodeError as error:
        document.problems.append(
            Problem(f"{document.file}: byte {error.start + 1}", "is not UTF-8", "save the file as UTF-8")
        )
        return document
    except yaml.MarkedYAMLError as error:
        document.problems.append(_syntax_problem(document, error))
        return document
    except yaml.YAMLError as error:
        document.problems.append(Problem(document.file, f"is not YAML: {error}".splitlines()[0], SYNTAX))
        return document
    if isinstance(root, yaml.MappingNode):
        document.data = _mapping(document, root, ())
    elif root is not None:
        document.problems.append(Problem(document.file, "is not a mapping of keys to values", SYNTAX))
    return document


def _syntax_problem(document: Document, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    place = f":{mark.line + 1}:{mark.column + 1}" if mark else ""
    text = (error.problem or "cannot be read").replace("character '\\t'", "a tab character")
    return Problem(f"{document.file}{place}", f"is not YAML: {text}", SYNTAX)


def _mapping(document: Document, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        here = (*path, key)
        if key in found:
            first = document.places[here][0]
            document.problems.append(
                Problem(
                    f"{document.file}:{place[0]}:{place[1]} {dotted(here)}",
                    f"stands twice, first in line {first}",
                    "keep one of the two",
                )
            )
        document.places[here] = place
        found[key] = _value(document, value_node, here)
    return found


def _value(document: Document, node: yaml.Node, path: KeyPath) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(document, node, path)
    if isinstance(node, yaml.SequenceNode):
        items = []
        for index, item in enumerate(node.value):
            document.places[(*path, index)] = (item.start_mark.line + 1, item.start_mark.column + 1)
            items.append(_value(document, item, (*path, index)))
        return items
    return _scalar(node)


def _scalar(node: yaml.Node) -> Any:
    """What YAML 1.1 and 1.2 agree on: true/false, decimal integers, null; ``yes`` or ``1:30`` is text."""
    text = str(node.value)
    kind = node.tag.removeprefix(TAG)
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if kind == "int" and INTEGER.fullmatch(text):
        return int(text)
    if kind == "float":
        try:
            return float(text)
        except ValueError:
            return text
    return text


def dotted(path: KeyPath) -> str:
    """``("service", "allowed_origins", 0)`` → ``service.allowed_origins[0]``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text
