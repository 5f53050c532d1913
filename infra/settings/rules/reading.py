"""Runs a rule and notes which values it read: what a finding rests on, and what `slipway explain` tells."""

from __future__ import annotations

from typing import Any, cast

from pydantic import BaseModel

from infra.settings.config import StackConfig
from infra.settings.rules import Rule
from infra.settings.rules.finding import Finding

Path = tuple[str, ...]


def run(rule: Rule, settings: StackConfig) -> tuple[list[Finding], tuple[Path, ...]]:
    """The rule's findings, and every key of a stack file that it read to make them."""
    read: dict[Path, None] = {}
    found = list(rule(cast(StackConfig, _Reader(settings, (), read))))
    return found, tuple(path for path in read if path[0] != "stack")


class _Reader:
    """A model that notes which of its values are read; properties are evaluated on it too."""

    def __init__(self, model: BaseModel, path: Path, read: dict[Path, None]) -> None:
        self._model, self._path, self._read = model, path, read

    def __getattr__(self, name: str) -> Any:
        computed = getattr(type(self._model), name, None)
        if isinstance(computed, property) and computed.fget is not None:
            return computed.fget(self)
        value, here = getattr(self._model, name), (*self._path, name)
        if isinstance(value, BaseModel):
            return _Reader(value, here, self._read)
        if name in type(self._model).model_fields:
            self._read[here] = None
        return value

    def __str__(self) -> str:
        return str(self._model)
