"""Where each resolved value of a stack comes from: the model's default, the profile, the stack file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from infra.settings import check, layers, sealed
from infra.settings.base import ListRule
from infra.settings.flaw import MASK, Flaw, RefusedError, key_name, safe
from infra.settings.layers import ROTATED, SECRETS, Layer
from infra.settings.leaves import Leaf, leaves
from infra.settings.merge import merge
from infra.settings.model import Settings
from infra.settings.secrets import SecretName
from infra.settings.stack import StackName

NAMES = {("namespace", "name"): "the stack's name"}  # null there stands for the stack's own name


class Source(StrEnum):
    """Which layer says it?"""

    DEFAULT = "default"
    PROFILE = "profile"
    STACK = "stack"


@dataclass(frozen=True)
class Step:
    """What one layer says of a key. ``file``, ``line`` and ``column`` are None for the model's default;
    ``key`` is the key as that file writes it."""

    source: Source
    value: Any
    file: str | None = None
    line: int | None = None
    column: int | None = None
    key: str = ""

    @property
    def place(self) -> str:
        """``stacks/Pulumi.ledger-dev.yaml:9``; ``default`` for the model's."""
        return f"{self.file}:{self.line}" if self.line else self.file or self.source.value


@dataclass(frozen=True)
class Value:
    """A leaf's resolved value, and every layer that sets it: the model's default first, the winner last.

    follows: (value, what it is computed from) where null stands for a computed value.
    """

    leaf: Leaf
    value: Any
    steps: tuple[Step, ...]
    follows: tuple[str, str] | None = None

    @property
    def effective(self) -> Any:
        """The value that applies: the computed one where there is one."""
        return self.follows[0] if self.follows else self.value

    @property
    def is_set(self) -> bool:
        """Whether a file sets it."""
        return len(self.steps) > 1

    @property
    def sources(self) -> tuple[Step, ...]:
        """The layers its value comes from: one, except where a union list has items of several."""
        if self.leaf.list_rule is not ListRule.UNION:
            return self.steps[-1:]
        return tuple(step for step, items in self.contributions() if items) or self.steps[-1:]

    def contributions(self) -> tuple[tuple[Step, tuple[Any, ...]], ...]:
        """For a union list: each layer with the items that it was the first to bring."""
        found, seen = [], list[Any]()
        for step in self.steps:
            items = step.value if isinstance(step.value, list) else []
            fresh = tuple(item for item in items if item not in seen)
            seen += fresh
            found.append((step, fresh))
        return tuple(found)


@dataclass(frozen=True)
class Secret:
    """A secret by name; its value is nowhere here. ``wanted`` is None while the settings cannot be read."""

    name: SecretName
    is_set: bool
    wanted: bool | None
    line: int | None = None
    rotated: date | None = None
    encrypted: bool = True

    @property
    def state(self) -> str:
        """``set``, ``plain text``, ``missing`` or, where the stack does without it, ``not needed``."""
        if self.is_set:
            return "set" if self.encrypted else "plain text"
        return {True: "missing", False: "not needed", None: "not set"}[self.wanted]


@dataclass(frozen=True)
class Provenance:
    """A stack's values and secrets with their places. ``settings`` is None where there are problems; the
    values are then those of the files as far as they can be laid over one another."""

    stack: StackName
    files: tuple[tuple[Source, str], ...]
    values: tuple[Value, ...]
    secrets: tuple[Secret, ...]
    settings: Settings | None
    problems: tuple[Flaw, ...] = ()
    notes: tuple[Flaw, ...] = ()

    def value(self, path: Sequence[str]) -> Value:
        """The value at a key path. Raises KeyError where the model has no such leaf."""
        for value in self.values:
            if value.leaf.path == tuple(path):
                return value
        raise KeyError(".".join(path))


def trace(name: str, folder: Path | None = None) -> Provenance:
    """A stack's provenance; a secret that is missing is no problem here.

    Raises RefusedError with the check's text where a file is missing or cannot be read at all.
    """
    report = check.examine(name, folder, secrets=False)
    if not report.layers:
        raise RefusedError(report.errors)
    stack, read = StackName.parse(name), report.layers
    wanted = report.settings.secret_names if report.settings else None
    return Provenance(
        stack,
        tuple((_source(index, read), layer.document.file) for index, layer in enumerate(read)),
        values(stack, read),
        tuple(_secret(each, read[-1], wanted) for each in SecretName),
        report.settings,
        report.errors,
        report.notes,
    )


def values(stack: StackName, read: Sequence[Layer]) -> tuple[Value, ...]:
    """Every leaf of the model once, in its order. ``read``: the files, the stack's own last."""
    return tuple(_value(leaf, stack, read) for leaf in leaves())


def _source(index: int, read: Sequence[Layer]) -> Source:
    return Source.STACK if index == len(read) - 1 else Source.PROFILE


def _value(leaf: Leaf, stack: StackName, read: Sequence[Layer]) -> Value:
    steps = [Step(Source.DEFAULT, leaf.default)]
    value = leaf.default
    for index, layer in enumerate(read):
        for said in _said(layer.data, leaf.path):
            line, column = layer.place(leaf.path)
            shown, key = _safe(said, leaf.path[-1]), layer.key(leaf.path)
            steps.append(Step(_source(index, read), shown, layer.document.file, line, column, key))
            value = _laid_over(leaf.path, value, shown)
    follows = (str(stack), NAMES[leaf.path]) if leaf.path in NAMES and value is None else None
    return Value(leaf, value, tuple(steps), follows)


def _said(data: Any, path: Sequence[str]) -> Iterator[Any]:
    """The value that plain data has at a key path, if it has one."""
    for part in path:
        if not isinstance(data, Mapping) or part not in data:
            return
        data = data[part]
    yield data


def _laid_over(path: tuple[str, ...], below: Any, value: Any) -> Any:
    return merge({path[-1]: below}, {path[-1]: value}, layers.UNIONS, path[:-1])[path[-1]]


def _safe(value: Any, key: str) -> Any:
    """The value without what may be a secret that someone wrote where none belongs."""
    if isinstance(value, Mapping):
        if "secure" in value:
            return MASK
        return {key_name(each): _safe(inner, each) for each, inner in value.items()}
    if isinstance(value, list):
        return [_safe(item, key) for item in value]
    return safe(value, key) if isinstance(value, str) else value


def _secret(name: SecretName, own: Layer, wanted: frozenset[SecretName] | None) -> Secret:
    data, dates = own.data.get(SECRETS), own.data.get(ROTATED)
    held = data if isinstance(data, dict) else {}
    is_set = name.value in held
    line = own.place((SECRETS, name.value))[0] if is_set else None
    encrypted = not is_set or sealed.is_encrypted(held[name.value])
    rotated = sealed.parse_day(dates.get(name.value)) if isinstance(dates, dict) else None
    return Secret(name, is_set, None if wanted is None else name in wanted, line, rotated, encrypted)
