"""From files to Settings, without Pulumi: what `slipway check` and the program both call."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra.errors import UserError
from infra.names import SANDBOX
from infra.settings import document, layers, messages, model, rules, sealed
from infra.settings.config import StackConfig
from infra.settings.document import KeyPath
from infra.settings.fields import field_at
from infra.settings.flaw import MASK, Flaw, Level, RefusedError, in_order, is_run_together, shown
from infra.settings.layers import Layer, stack_file
from infra.settings.model import Settings
from infra.settings.rules import reading
from infra.settings.rules.finding import Finding
from infra.settings.stack import StackName


@dataclass(frozen=True)
class Report:
    """What the check of one stack found. ``settings`` is None exactly when there are errors.

    layers: the files that were read, the stack's own last; none where there was nothing to read.
    """

    stack: str
    settings: Settings | None
    errors: tuple[Flaw, ...]
    notes: tuple[Flaw, ...] = ()
    layers: tuple[Layer, ...] = ()


def load(name: str, folder: Path | None = None, *, secrets: bool = True) -> Settings:
    """The validated settings of a stack. Raises RefusedError (a UserError) with every problem of its files.

    ``secrets``: whether a secret that is not there yet is a problem.
    """
    report = examine(name, folder, secrets=secrets)
    if report.settings is None:
        raise RefusedError(report.errors)
    return report.settings


def examine(name: str, folder: Path | None = None, *, secrets: bool = True) -> Report:
    """Check one stack: every problem of its name, profile and file at once.

    Raises nothing: that a file cannot be read is a problem like another.
    """
    try:
        stack = StackName.parse(name)
    except UserError as error:
        return Report(name, None, (_bad_name(name, folder, error),))
    if document.trouble(stack_file(name, folder)):
        return Report(name, None, (layers.missing(stack, folder),))
    read, flaws = layers.read(stack, folder)
    unreadable = [layer for layer in read if layer.document.flaws and not layer.document.data]
    if unreadable:
        return Report(name, None, in_order(flaw for layer in unreadable for flaw in layer.document.flaws))
    own = read[-1]
    if not own.data and flaws:  # whatever is missing stands there under a wrong name
        return Report(name, None, in_order(flaws), layers=tuple(read))
    if not own.data and name != SANDBOX:
        return Report(name, None, (_empty(own),), layers=tuple(read))
    merged = layers.merged(read)
    settings, found = _validated(stack, merged, read)
    for lower in read[:-1]:  # what a higher layer covers is wrong all the same
        flaws += _wrong_values(stack, lower)
    flaws += found + sealed.flaws(stack, merged, own, missing=secrets)
    flaws += _misread(read, {(flaw.file, flaw.line, flaw.column) for flaw in flaws})
    if flaws or settings is None:
        return Report(name, None, in_order(flaws), layers=tuple(read))
    told = (item for item in rules.notices(settings) if not item.own or own.has(item.key))
    notes = [replace(_finding(item, own, read), level=Level.NOTE) for item in told]
    return Report(name, settings, (), in_order(notes), tuple(read))


def _bad_name(name: str, folder: Path | None, error: UserError) -> Flaw:
    (problem,) = error.problems
    file = stack_file(name, folder)
    if "/" not in name and document.trouble(file) is None:
        what = f"{messages.quote(name)}: {problem.what}"
        return Flaw(document.display(file), "stack-name", what, f"rename the file; {problem.remedy}")
    return Flaw(problem.where, "stack-name", f"{problem.what}{layers.meant(name, folder)}", problem.remedy)


def _empty(own: Layer) -> Flaw:
    what = "holds no section, and every stack names at least its cluster and its image"
    remedy = "write it with slipway init; every key is explained in stacks/reference.yaml"
    return Flaw(own.document.file, "empty", what, remedy)


def _validated(
    stack: StackName, merged: dict[str, Any], read: list[Layer]
) -> tuple[Settings | None, list[Flaw]]:
    try:
        return model.of(Settings, stack, merged), []
    except ValidationError as error:
        wrong = [entry["loc"] for entry in error.errors() if entry["type"] != "rules"]
        beside = _rules_beside(stack, wrong, merged) if wrong else []
        return None, _flaws(error, read) + [_finding(item, read[-1], read) for item in beside]


def _wrong_values(stack: StackName, lower: Layer) -> list[Flaw]:
    """What is wrong with a layer's values, each for itself."""
    try:
        model.of(StackConfig, stack, layers.merged([lower]))
    except ValidationError as error:
        return _flaws(error, [lower])
    return []


def _misread(read: list[Layer], told: Collection[tuple[str, int | None, int | None]]) -> list[Flaw]:
    """Texts of known keys that Pulumi would take for a number or a date, where nothing else is said."""
    return [
        flaw
        for layer in read
        for path, flaw in layer.misread()
        if field_at(Settings, path)[1] is not None and (flaw.file, flaw.line, flaw.column) not in told
    ]


def _rules_beside(stack: StackName, wrong: list[KeyPath], merged: dict[str, Any]) -> list[Finding]:
    """Rules that are broken between the values that are sound: pydantic looks at them only when all are."""
    sound = reduce(_with_default, wrong, merged)
    try:
        config = model.of(StackConfig, stack, sound)
    except ValidationError:
        return []
    found = []
    for rule in rules.RULES:
        findings, read = reading.run(rule, config)
        if not any(key[: len(path)] == path or path[: len(key)] == key for key in read for path in wrong):
            found += [replace(item, rule=rules.name(rule)) for item in findings]
    return found


def _with_default(values: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """``values`` with the model's own value at ``path``, or without a key that the model does not have."""

    def at(found: dict[str, Any], known: dict[str, Any], rest: KeyPath) -> dict[str, Any]:
        key = str(rest[0])
        if key not in known:
            return {name: value for name, value in found.items() if name != key}
        mine, its = found.get(key), known[key]
        if len(rest) > 1 and isinstance(mine, dict) and isinstance(its, dict):
            return {**found, key: at(mine, its, rest[1:])}
        return {**found, key: its}

    return at(values, model.defaults(), path)


def _flaws(error: ValidationError, read: list[Layer]) -> list[Flaw]:
    found: list[Flaw] = []
    entries = error.errors(include_url=False)
    for entry in entries:
        path: KeyPath = entry["loc"]
        below = any(len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in entries)
        if entry["type"] == "too_short" and below:
            continue  # a list counts as short when its items are wrong; the items are reported
        if entry["type"] == "rules":
            found += [_finding(item, read[-1], read) for item in entry["ctx"]["findings"]]
        else:
            found.append(_explained(entry, path, read))
    return found


def _explained(entry: Any, path: KeyPath, read: list[Layer]) -> Flaw:
    """One of pydantic's entries. The value of an unknown key is left out: nobody knows what it is."""
    written, value = _as_written(path, entry["input"], read), entry["input"]
    unknown = entry["type"] == "extra_forbidden"
    if unknown and path[-1] == "secure" and isinstance(value, str):
        what = "is encrypted, and this section holds no secret"
        return _pointed(path[:-1], "wrong-type", what, "write its keys in plain text below it", read)
    quoted = not next((layer.bare(written) for layer in reversed(read) if layer.has(written)), False)
    flaw = _pointed(written, *messages.explain(entry, Settings, path, quoted=quoted), read)
    if unknown and messages.is_run_together(str(path[-1])):
        before = re.split("[:=]", str(path[-1]), maxsplit=1)[0]
        flaw = replace(flaw, key=_pointed((*path[:-1], f"{before}:{MASK}"), "", "", "", read).key)
    hidden = entry["type"] in messages.MAPPINGS and isinstance(value, str) and is_run_together(value)
    return replace(flaw, value=None if unknown or hidden else shown(flaw.key, value, quoted=quoted))


def _as_written(path: KeyPath, value: Any, read: list[Layer]) -> KeyPath:
    """An item of a list that two layers share has another index in its file than in the merged list."""
    if not isinstance(path[-1], int) or path[:-1] not in layers.UNIONS:
        return path
    for layer in reversed(read):
        items: Any = layer.data
        for part in path[:-1]:
            items = items.get(part, {}) if isinstance(items, dict) else {}
        if isinstance(items, list) and value in items:
            return (*path[:-1], items.index(value))
    return path


def _finding(item: Finding, own: Layer, read: list[Layer]) -> Flaw:
    key = next((key for key in (item.key, *item.also) if own.has(key)), item.key)
    return _pointed(key, item.rule, item.what, item.remedy, read)


def _pointed(path: KeyPath, rule: str, what: str, remedy: str, read: list[Layer]) -> Flaw:
    """Pointed at the file that set the key, or its nearest ancestor; the stack file where none did."""
    for length in range(len(path), 0, -1):
        for layer in reversed(read):
            if layer.has(path[:length]):
                return replace(layer.flaw(path, rule, what, remedy), key=layer.key(path))
    own = read[-1]
    return Flaw(own.document.file, rule, what, remedy, key=own.key(path))
