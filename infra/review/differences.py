"""What differs between the inputs before and after, path by path; items of lists are known by their names.

A path is a tuple: members as they are named, an item as ``[name]``. Of an item without a name only that it
came or went is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from infra.names import HASH_CHARS

# The engine's mark for a value that is known only once another resource is there (pulumi/sdk, plugin/rpc.go).
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
ITEM_KEYS = ("name", "id", "sid", "mountPath", "host", "containerPort", "port", "key", "topologyKey")
Path = tuple[str, ...]
HASHED = re.compile(rf"^(?P<stem>.+)-[0-9a-f]{{{HASH_CHARS}}}$")  # a name that is made from content


class _Missing:
    """Stands where one side has nothing."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True)
class Difference:
    """``before`` or ``after`` is MISSING where only the other side has the path."""

    path: Path
    before: Any
    after: Any

    @property
    def key(self) -> str:
        """``spec.template.spec.containers[service].image``."""
        return key_of(self.path)


def key_of(path: Path) -> str:
    """A path in one text."""
    return ".".join(path).replace(".[", "[")


def between(before: Any, after: Any, path: Path = ()) -> Iterator[Difference]:
    """Every difference, in the order of the paths."""
    if before == after and type(before) is type(after):
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from between(before.get(key, MISSING), after.get(key, MISSING), (*path, str(key)))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    elif _is_expanded(before, after, path):
        yield from between(_or_empty(before), _or_empty(after), path)
    elif before != after:
        yield Difference(path, before, after)


def _is_expanded(before: Any, after: Any, path: Path) -> bool:
    """Whether what one side lacks is told member by member; an item of a list comes and goes as a whole."""
    mapping = after if before is MISSING else before if after is MISSING else None
    return isinstance(mapping, dict) and bool(mapping) and not path[-1].startswith("[")


def _or_empty(side: Any) -> Any:
    return {} if side is MISSING else side


def _lists(before: list[Any], after: list[Any], path: Path) -> Iterator[Difference]:
    key = next((key for key in ITEM_KEYS if _names(before, key) and _names(after, key)), None)
    if key is not None:
        sides = [{_name(item, key): item for item in side} for side in (before, after)]
        for name in sorted({*sides[0], *sides[1]}):
            found = [side.get(name, MISSING) for side in sides]
            yield from between(found[0], found[1], (*path, f"[{name}]"))
    elif all(isinstance(item, str | int | float) for item in (*before, *after)):
        yield Difference(path, before, after)
    elif len(before) == len(after) == 1:
        yield from between(before[0], after[0], (*path, "[0]"))
    else:
        yield from _items(before, after, path)


def _items(before: list[Any], after: list[Any], path: Path) -> Iterator[Difference]:
    """Items that only one side has; where both have the same ones in another order, the whole list."""
    left, right = ({canonical(item): item for item in side} for side in (before, after))
    gone = [item for text, item in left.items() if text not in right]
    come = [item for text, item in right.items() if text not in left]
    if not gone and not come:
        yield Difference(path, before, after)
    stems = {canonical(_stemmed(item)): item for item in come}
    for item in gone:
        other = stems.pop(canonical(_stemmed(item)), MISSING)
        if other is not MISSING:  # the same but for names that are made from content
            come.remove(other)
            yield from between(item, other, (*path, "[]"))
        else:
            yield Difference((*path, "[]"), item, MISSING)
    yield from (Difference((*path, "[]"), MISSING, item) for item in come)


def _stemmed(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _stemmed(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_stemmed(member) for member in value]
    made = HASHED.match(value) if isinstance(value, str) else None
    return made["stem"] if made else value


def _names(items: Sequence[Any], key: str) -> bool:
    """Whether the key tells the items apart."""
    names = [item.get(key) for item in items if isinstance(item, dict)]
    return len(names) == len(items) == len({str(name) for name in names}) and None not in names


def _name(item: Mapping[str, Any], key: str) -> str:
    name = item[key]
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name)


def canonical(value: Any) -> str:
    """The same text for the same value, whatever the order of its members."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
