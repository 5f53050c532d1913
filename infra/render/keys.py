"""The model's keys as a reader is told about them: one list for the reference file and the page."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from infra.paths import ROOT
from infra.settings import document, layers, outline
from infra.settings.base import ListRule
from infra.settings.leaves import Leaf, leaf
from infra.settings.outline import Schema
from infra.settings.stack import Environment

LIST_RULES = {
    ListRule.REPLACE: "replaces the list of the layer below",
    ListRule.UNION: "follows the list of the layer below, each item once",
}
PROFILES = ROOT / "stacks"


@dataclass(frozen=True)
class Key:
    """One key. ``path`` begins with its section; ``keys`` are those below it, none for a value."""

    path: tuple[str, ...]
    schema: Schema
    keys: tuple[Key, ...] = ()

    @property
    def meaning(self) -> str:
        """What it is for, with its unit."""
        return str(self.schema["description"])

    @property
    def leaf(self) -> Leaf:
        """Its documentation; for a value only."""
        return leaf(self.path, self.schema)

    def allowed(self, mark: Callable[[str], str] = str) -> str:
        """Range, vocabulary or an example, words of YAML in ``mark``; empty where the type says it all."""
        found = self.leaf
        if found.words:
            words = ", ".join(mark(written(word)) for word in found.words)
            return f"{'any' if found.list_rule else 'one'} of {words}"
        if found.least is not None and found.most is not None:
            return f"{found.least} to {found.most}"
        examples = self.schema.get("examples")
        return f"for example {mark(written(examples[0]))}" if examples else ""

    @property
    def list_rule(self) -> str | None:
        """What a list does with the list of the layer below; None where this is no list."""
        return LIST_RULES[self.leaf.list_rule] if self.leaf.list_rule else None


def sections() -> tuple[Key, ...]:
    """One tree of keys for each section, in the order of the model."""
    return tuple(_key((name,), found) for name, found in outline.sections().items())


def values(key: Key) -> Iterator[Key]:
    """The keys that hold a value: ``key`` itself, or all below it."""
    if not key.keys:
        yield key
    for inner in key.keys:
        yield from values(inner)


def written(value: Any) -> str:
    """A value on one line of YAML."""
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000)
    return text.removesuffix("\n").removesuffix("\n...")


def profiles() -> dict[Environment, dict[str, Any]]:
    """What each of the project's own profiles sets."""
    return {each: document.read(layers.profile_file(each, PROFILES)).data for each in Environment}


def found(data: Any, path: tuple[str, ...]) -> tuple[Any, ...]:
    """The value at a key path, alone in a tuple; an empty tuple where the data does not set it."""
    for part in path:
        if not isinstance(data, Mapping) or part not in data:
            return ()
        data = data[part]
    return (data,)


def _key(path: tuple[str, ...], node: Schema) -> Key:
    inner = node.get("properties", {})
    return Key(path, node, tuple(_key((*path, name), child) for name, child in inner.items()))
