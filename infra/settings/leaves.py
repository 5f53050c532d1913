"""Every single value of the model with its documentation: type, range, unit, default, list rule, examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

from infra.settings import outline
from infra.settings.base import Cpu, ListRule, Memory
from infra.settings.model import Settings
from infra.settings.outline import Schema

KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "array": "list",
    "object": "mapping",
}
ITEMS = {"string": "texts", "object": "mappings"}
UNIT_ENDINGS = ("milliseconds", "seconds", "minutes", "days", "megabytes", "percent")


def _pattern(annotated: Any) -> str:
    (text,) = (part.pattern for field in get_args(annotated)[1:] for part in field.metadata)
    return str(text)


QUANTITIES = {_pattern(Memory): "Mi or Gi", _pattern(Cpu): "cores (1.5) or millicores (250m)"}


@dataclass(frozen=True)
class Leaf:
    """One value of the model. ``default`` is that of its own place, as plain data.

    optional: null is allowed; words: the closed vocabulary, and ``question`` what it answers; least and most:
    the range, both included; unit, pattern, list_rule: None where there is none. Words, pattern, lengths and
    examples of a list are those of its items.
    """

    path: tuple[str, ...]
    kind: str
    description: str
    default: Any
    optional: bool = False
    words: tuple[str, ...] = ()
    question: str = ""
    least: int | float | None = None
    most: int | float | None = None
    shortest: int | None = None
    longest: int | None = None
    pattern: str | None = None
    unit: str | None = None
    list_rule: ListRule | None = None
    examples: tuple[Any, ...] = ()

    @property
    def key(self) -> str:
        """``service.pool.size``."""
        return ".".join(self.path)


@cache
def leaves() -> tuple[Leaf, ...]:
    """Every value of a stack's sections once, in the order of the model; the stack's name is none of them."""
    return tuple(_below(outline.sections(), ()))


@cache
def sections() -> Mapping[str, str]:
    """Dotted key of every mapping → what it is: ``service.pool``; sections come first."""
    found = dict(_mappings(outline.sections(), ()))
    return dict(sorted(found.items(), key=lambda item: item[0].count(".")))


def _mappings(nodes: Mapping[str, Schema], path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for name, node in nodes.items():
        if "properties" in node:
            yield ".".join((*path, name)), node["description"]
            yield from _mappings(node["properties"], (*path, name))


def _below(nodes: Mapping[str, Schema], path: tuple[str, ...]) -> Iterator[Leaf]:
    for name, node in nodes.items():
        if "properties" in node:
            yield from _below(node["properties"], (*path, name))
        else:
            yield leaf((*path, name), node)


def leaf(path: tuple[str, ...], node: Schema) -> Leaf:
    """A value of the model from its node in the outline."""
    kinds = node["type"] if isinstance(node["type"], list) else [node["type"]]
    item = node.get("items", node)
    words = tuple(word for word in item.get("enum", ()) if word is not None)
    return Leaf(
        path=path,
        kind=_kind(kinds[0], item),
        description=node["description"],
        default=node["default"],
        optional="null" in kinds,
        words=words,
        question=_questions().get(words, ""),
        least=item.get("minimum"),
        most=item.get("maximum"),
        shortest=item.get("minLength"),
        longest=item.get("maxLength"),
        pattern=item.get("pattern"),
        unit=_unit(path[-1], item.get("pattern")),
        list_rule=ListRule(node.get("x-list-rule", ListRule.REPLACE)) if "items" in node else None,
        examples=tuple(item.get("examples", ())),
    )


@cache
def _questions() -> Mapping[tuple[str, ...], str]:
    """Vocabulary → the question that it answers: the first line of its docstring."""
    definitions = Settings.model_json_schema()["$defs"].values()
    return {
        tuple(found["enum"]): found.get("description", "").partition("\n")[0]
        for found in definitions
        if "enum" in found
    }


def _kind(kind: str, item: Schema) -> str:
    if kind != "array":
        return "one word" if "enum" in item else KINDS[kind]
    named = {"string": "texts", "object": "mappings", "integer": "whole numbers"}
    inner = "words" if "enum" in item else named.get(item["type"], "values")
    return f"list of {inner}"


def _unit(name: str, pattern: str | None) -> str | None:
    if pattern in QUANTITIES:
        return QUANTITIES[pattern]
    return next((unit for unit in UNIT_ENDINGS if name == unit or name.endswith(f"_{unit}")), None)
