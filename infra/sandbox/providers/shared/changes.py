"""What differs between two property bags, path by path, and how the engine is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pulumi.runtime.proto import provider_pb2

from infra.sandbox.providers.shared.paths import parse, render, under
from infra.sandbox.providers.shared.values import Object, Path

MISSING = object()
_DIFF = provider_pb2.PropertyDiff
REPLACING = {
    _DIFF.ADD: _DIFF.ADD_REPLACE,
    _DIFF.DELETE: _DIFF.DELETE_REPLACE,
    _DIFF.UPDATE: _DIFF.UPDATE_REPLACE,
}


@dataclass
class Changes:
    """added, deleted, updated: the changed paths; replaced: those of them that need a new object."""

    added: set[Path] = field(default_factory=set)
    deleted: set[Path] = field(default_factory=set)
    updated: set[Path] = field(default_factory=set)
    replaced: set[Path] = field(default_factory=set)

    def all(self) -> set[Path]:
        """Every changed path."""
        return self.added | self.deleted | self.updated

    def drop(self, paths: set[Path]) -> None:
        """Forget some changes."""
        for kind in (self.added, self.deleted, self.updated, self.replaced):
            kind.difference_update(paths)


def between(old: Object, new: Object, ignored: list[str]) -> Changes:
    """The changes from old to new, without those below an ignored property path."""
    changes = Changes()
    for path, was, becomes in _differences(old, new, ()):
        kind = changes.added if was is MISSING else changes.deleted if becomes is MISSING else changes.updated
        kind.add(path)
    ignored_paths = [parse(text) for text in ignored]
    changes.drop({path for path in changes.all() if any(under(path, given) for given in ignored_paths)})
    return changes


def _differences(old: Any, new: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in {**old, **new}:
            yield from _differences(old.get(key, MISSING), new.get(key, MISSING), (*path, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            yield from _differences(_item(old, index), _item(new, index), (*path, index))
    elif old != new and not (_empty(old) and _empty(new)):
        yield path, old, new


def _item(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else MISSING


def _empty(value: Any) -> bool:
    return value is MISSING or value is None or value in ({}, [])


def answer(changes: Changes, *, delete_first: bool) -> provider_pb2.DiffResponse:
    """The engine's message. delete_first: a replacement needs the place that the old one holds."""
    detailed = {}
    for kind, paths in (
        (_DIFF.ADD, changes.added),
        (_DIFF.DELETE, changes.deleted),
        (_DIFF.UPDATE, changes.updated),
    ):
        for path in paths:
            shown = REPLACING[kind] if path in changes.replaced else kind
            detailed[render(path)] = _DIFF(kind=shown, inputDiff=True)
    some = provider_pb2.DiffResponse.DIFF_SOME if detailed else provider_pb2.DiffResponse.DIFF_NONE
    return provider_pb2.DiffResponse(
        changes=some,
        diffs=sorted({str(path[0]) for path in changes.all()}),
        replaces=sorted(render(path) for path in changes.replaced),
        deleteBeforeReplace=bool(changes.replaced) and delete_first,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
