"""Compares inputs path by path, and asks the API server by a dry run what would really change."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.cluster import DEFAULT_NAMESPACE, Cluster, NoSuchKindError
from infra.sandbox.providers.kubernetes.immutable import refused_paths, replaced_paths
from infra.sandbox.providers.kubernetes.naming import is_autonamed
from infra.sandbox.providers.kubernetes.rest import ApiError, UnreachableError
from infra.sandbox.providers.shared.changes import MISSING, Changes, between
from infra.sandbox.providers.shared.values import Object, at, dig, has_unknown

WRITE_ONLY = ("stringData",)  # never comes back from the API server, so a dry run cannot judge it


def compare(old: Object, new: Object, ignored: list[str]) -> Changes:
    """The changes from old to new inputs, without those below an ignored property path."""
    return between(_canonical(old), _canonical(new), ignored)


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
