"""The files of a stack as layers: model default < profile < stack file; what each sets, and where."""

from __future__ import annotations

import operator
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from infra import paths
from infra.names import PROJECT, SANDBOX
from infra.settings import document, messages, sections
from infra.settings.base import ListRule
from infra.settings.document import Document, KeyPath
from infra.settings.fields import models_in
from infra.settings.flaw import Flaw, printable
from infra.settings.merge import merge
from infra.settings.model import Settings, defaults
from infra.settings.sections import BESIDE, ROTATED, SECRETS
from infra.settings.stack import Environment, StackName

__all__ = [
    "BESIDE",
    "ROTATED",
    "SECRETS",
    "UNIONS",
    "Layer",
    "discover",
    "draft",
    "merged",
    "read",
]


@dataclass(frozen=True)
class Layer:
    """One file's sections. ``prefix`` is what stands before a section's name in that file."""

    document: Document
    prefix: str
    root: KeyPath
    data: dict[str, Any]

    def has(self, path: KeyPath) -> bool:
        """Whether this file has the key itself."""
        return self._place(path) in self.document.places

    def bare(self, path: KeyPath) -> bool:
        """Whether this file has a text without quotes there."""
        return self._place(path) in self.document.bare

    def misread(self) -> Iterator[tuple[KeyPath, Flaw]]:
        """Every key whose text Pulumi takes for something else as long as it stands without quotes."""
        for place, taken in self.document.misread.items():
            if place[: len(self.root)] == self.root:
                first, *rest = place[len(self.root) :]
                path = (str(first).removeprefix(self.prefix), *rest)
                value: Any = reduce(operator.getitem, place, self.document.data)  # type: ignore[arg-type]
                key = "" if path[0] == ROTATED else str(path[-1])
                text = messages.quote(value, key, quoted=False)
                what = f"{text} without quotes is {taken} to Pulumi, and text is wanted"
                yield path, replace(self.flaw(path, "wrong-type", what, "write it in quotes"), value=text)

    def _place(self, path: KeyPath) -> KeyPath:
        return (*self.root, f"{self.prefix}{path[0]}", *path[1:]) if path else self.root

    def key(self, path: KeyPath) -> str:
        """A key path that begins with a section, as this file writes it."""
        return document.dotted((f"{self.prefix}{path[0]}", *path[1:]))

    def place(self, path: KeyPath) -> tuple[int, int] | tuple[None, None]:
        """Line and column of a key path that begins with a section, or of its nearest ancestor."""
        return self.document.place(self._place(path))

    def flaw(self, path: KeyPath, rule: str, what: str, remedy: str) -> Flaw:
        """A flaw at a key path that begins with a section, or at its nearest ancestor in this file."""
        return self.document.flaw(self._place(path), rule, what, remedy, key=self.key(path))


def stack_file(name: str, folder: Path | None = None) -> Path:
    """Where the stack's own values stand: ``stacks/Pulumi.<stack>.yaml``."""
    return (folder or paths.stacks_dir()) / f"Pulumi.{name}.yaml"


def profile_file(environment: Environment, folder: Path | None = None) -> Path:
    """The environment's profile: the folder's own where it has profiles, else the project's."""
    own = (folder or paths.stacks_dir()) / "profiles"
    return (own if own.is_dir() else paths.ROOT / "stacks" / "profiles") / f"{environment}.yaml"


def read(stack: StackName, folder: Path | None = None) -> tuple[list[Layer], list[Flaw]]:
    """Profile and stack file, the higher last; what is wrong with either as a file."""
    profile = _profile(profile_file(stack.environment, folder))
    data, found = sections.of_profile(profile)
    layers, flaws = [Layer(profile, "", (), data)], profile.flaws + found
    own = document.read(stack_file(str(stack), folder))
    data, found = sections.of_stack(own)
    layers.append(Layer(own, f"{PROJECT}:", ("config",), data))
    own.flaws = [replace(flaw, key=flaw.key.removeprefix("config.")) for flaw in own.flaws]
    return layers, flaws + own.flaws + found


def _profile(path: Path) -> Document:
    """The profile; one that is not there may stand beside it under a wrong name."""
    found = document.read(path)
    if os.path.lexists(path):
        return found
    others = [file.name for file in path.parent.iterdir() if file.stem not in list(Environment)]
    others += [file.name for file in (path.with_suffix(".yml"),) if file.is_file()]
    guess = messages.close(path.name, others)
    hint = f"; did you mean {printable(guess)}?" if guess else ""
    remedy = f"rename it to {path.name}" if guess else "make it; an empty file leaves the model's defaults"
    found.flaws = [
        Flaw(found.file, "no-file", f"does not exist, and every environment has a profile{hint}", remedy)
    ]
    return found


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """Every section, the layers laid over the model's defaults; secrets are not among them."""
    return _over_defaults({k: v for k, v in layer.data.items() if k not in BESIDE} for layer in layers)


def _over_defaults(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    return reduce(lambda lower, upper: merge(lower, upper, UNIONS), parts, defaults())


def draft(name: str, folder: Path | None = None) -> dict[str, Any]:
    """The merged sections of a stack before anything is checked; for what must be known even of a broken
    file. A section that is no mapping, and a missing file, count as the layer below."""
    layers, _ = read(StackName.parse(name), folder)
    kinds = {section: type(value) for section, value in defaults().items()}
    return _over_defaults(
        {k: v for k, v in layer.data.items() if k in kinds and isinstance(v, kinds[k])} for layer in layers
    )


def discover(folder: Path | None = None) -> list[str]:
    """The stack names of every ``Pulumi.<stack>.yaml`` in the folder, sorted."""
    return _named(folder, ".yaml")


def _unions(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        if isinstance(extra, dict) and extra.get("x-list-rule") == ListRule.UNION:
            yield (*path, name)
        for inner in models_in(field.annotation):
            yield from _unions(inner, (*path, name))


UNIONS = frozenset(_unions(Settings))


def misnamed(folder: Path | None = None) -> list[str]:
    """The stack names of every ``Pulumi.<stack>.yml``, which Pulumi does not read, sorted."""
    return _named(folder, ".yml")


def _named(folder: Path | None, ending: str) -> list[str]:
    files = (folder or paths.stacks_dir()).glob(f"Pulumi.*{ending}")
    return sorted(file.name.removeprefix("Pulumi.").removesuffix(ending) for file in files)


def meant(name: str, folder: Path | None = None) -> str:
    """``; did you mean ledger-dev?`` where a stack of the folder has nearly this team or environment."""
    team, _, environment = name.rpartition("-")
    near = []
    for known in discover(folder):
        its_team, _, its_environment = known.rpartition("-")
        same_place = its_environment == environment and messages.close(team, [its_team])
        if same_place or (its_team == team and environment not in list(Environment)):
            near.append(known)
    return messages.near_miss(name, near)


def missing(stack: StackName, folder: Path | None = None) -> Flaw:
    """What to say where there is no stack file to read."""
    path = stack_file(str(stack), folder)
    what = document.trouble(path) or "does not exist"
    if str(stack) in misnamed(folder):
        what, remedy = f"does not exist, and Pulumi.{stack}.yml is not read", f"rename it to {path.name}"
        return Flaw(document.display(path), "no-file", what, remedy)
    command = "slipway up" if str(stack) == SANDBOX else f"slipway init --team {stack.team}"
    guess = meant(str(stack), folder) if what == "does not exist" else ""
    remedy = f"check the stack's name, or make it: {command}"
    if what.startswith("cannot be read"):
        remedy = "check the owner and mode of the folder: ls -ld"
    elif what != "does not exist":
        remedy = f"move it out of the way, and put the stack file there, or make it: {command}"
    return Flaw(document.display(path), "no-file", f"{what}{guess}", remedy)
