"""Leaves fields that the program ignores (ignoreChanges) to whoever manages them."""

from __future__ import annotations

import copy

from infra.sandbox.providers.shared.paths import parse
from infra.sandbox.providers.shared.values import Object, Path, at, dig

_NOTHING = object()


def without_foreign(inputs: Object, live: Object, manager: str, ignored: list[str]) -> Object:
    """The inputs to send: an ignored field of another manager is left out, one of ours keeps its live value.

    Sending an old value would fight with, say, an autoscaler; leaving out what is ours would unset it.
    """
    sent = copy.deepcopy(inputs)
    for path in map(parse, ignored):
        value = at(live, path, _NOTHING)
        if value is _NOTHING or at(sent, path, _NOTHING) is _NOTHING:
            continue
        if _manages(live, path, manager):
            _set(sent, path, value)
        elif _managed(live, path):
            _drop(sent, path)
    return sent


def _manages(live: Object, path: Path, manager: str) -> bool:
    return any(_owns(e, path) for e in dig(live, "metadata.managedFields", []) if e.get("manager") == manager)


def _managed(live: Object, path: Path) -> bool:
    return any(_owns(entry, path) for entry in dig(live, "metadata.managedFields", []))


def _owns(entry: Object, path: Path) -> bool:
    return at(entry.get("fieldsV1"), [f"f:{step}" for step in path], _NOTHING) is not _NOTHING


def _set(obj: Object, path: Path, value: object) -> None:
    at(obj, path[:-1])[path[-1]] = copy.deepcopy(value)


def _drop(obj: Object, path: Path) -> None:
    del at(obj, path[:-1])[path[-1]]
