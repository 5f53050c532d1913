"""Compares inputs path by path, and asks the API server by a dry run what would really change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from infra.sandbox.providers.kubernetes.cluster import DEFAULT_NAMESPACE, Cluster, NoSuchKindError
from infra.sandbox.providers.kubernetes.immutable import refused_paths, replaced_paths
from infra.sandbox.providers.kubernetes.naming import is_autonamed
from infra.sandbox.providers.kubernetes.paths import parse, under
from infra.sandbox.providers.kubernetes.rest import ApiError, UnreachableError
from infra.sandbox.providers.kubernetes.values import Object, Path, at, dig, has_unknown

MISSING = object()
WRITE_ONLY = ("stringData",)  # never comes back from the API server, so a dry run cannot judge it


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


def compare(old: Object, new: Object, ignored: list[str]) -> Changes:
    """The changes from old to new inputs, without those below an ignored property path."""
    changes = Changes()
    for path, was, becomes in _differences(_canonical(old), _canonical(new), ()):
        kind = changes.added if was is MISSING else changes.deleted if becomes is MISSING else changes.updated
        kind.add(path)
    ignored_paths = [parse(text) for text in ignored]
    changes.drop({path for path in changes.all() if any(under(path, given) for given in ignored_paths)})
    return changes


def _canonical(obj: Object) -> Object:
    """The object with the namespace written out and without what only the API server writes."""
    meta = {**(obj.get("metadata") or {})}
    meta.setdefault("namespace", DEFAULT_NAMESPACE)
    for key in ("creationTimestamp", "generation", "managedFields", "resourceVersion", "uid"):
        meta.pop(key, None)
    group, _, _ = str(obj.get("apiVersion", "")).rpartition("/")
    # Another version of the same group is the same object; the group is part of what the object is.
    rest = {k: v for k, v in obj.items() if k != "apiVersion"}
    return {**rest, "metadata": meta, "kind": f"{group}/{obj.get('kind', '')}"}


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


def judge(changes: Changes, new: Object, *, mutable_data: frozenset[str]) -> None:
    """Mark the changes that need a new object by the kind's table."""
    changes.replaced = replaced_paths(changes.all(), new, mutable_data=mutable_data)


def ask(changes: Changes, live: Object, new: Object, cluster: Cluster, manager: str) -> None:
    """Refine the changes by a dry run: drop those without effect, mark those that the API server refuses.

    live: the live object in the state. Does nothing where a dry run cannot be made (unknown values, no such
    kind yet, no answer): the operation itself says what is wrong.
    """
    if has_unknown(new) or not changes.all() or changes.replaced:
        return
    try:
        result = cluster.apply(cluster.ref(new), new, manager=manager, force=True, dry_run=True)
    except ApiError as error:
        changes.replaced |= refused_paths(changes.all(), error)
        return
    except (NoSuchKindError, UnreachableError):
        return
    if dig(result, "metadata.uid") != dig(live, "metadata.uid"):
        return  # deleted behind our back: the dry run showed a new object
    same = {path for path in changes.all() if at(result, path, MISSING) == at(live, path, MISSING)}
    changes.drop({path for path in same if path[0] not in WRITE_ONLY})


def same_place(old: Object, new: Object) -> bool:
    """Whether a replacement would need the very name that the old object holds."""
    place = [(dig(o, "metadata.name"), dig(o, "metadata.namespace", DEFAULT_NAMESPACE)) for o in (old, new)]
    return place[0] == place[1] and not is_autonamed(new)
