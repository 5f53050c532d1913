"""From files to Settings, without Pulumi: what `slipway check` and the program both call."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from infra import paths
from infra.errors import Problem, UserError
from infra.names import PROJECT
from infra.settings import document, messages
from infra.settings.document import Document, KeyPath
from infra.settings.merge import merge
from infra.settings.model import SECTIONS, Settings, defaults
from infra.settings.secrets import SecretName, required
from infra.settings.service import Mode
from infra.settings.stack import StackName

ENGINE_KEYS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
SECRETS = "secrets"


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

    def _place(self, path: KeyPath) -> KeyPath:
        return (*self.root, f"{self.prefix}{path[0]}", *path[1:]) if path else self.root

    def where(self, path: KeyPath) -> str:
        """``file:line:column key`` of a key path that begins with a section."""
        key = document.dotted((f"{self.prefix}{path[0]}", *path[1:])) if path else ""
        return f"{self.document.where(self._place(path))} {key}".strip()


def stack_file(name: str, folder: Path | None = None) -> Path:
    """Where the stack's own values stand: ``stacks/Pulumi.<stack>.yaml``."""
    return (folder or paths.STACKS) / f"Pulumi.{name}.yaml"


def load(name: str, folder: Path | None = None) -> Settings:
    """The validated settings of a stack. Raises UserError with every problem of its files."""
    stack = StackName.parse(name)
    layers, problems = _layers(stack, folder or paths.STACKS)
    unreadable = [layer for layer in layers if layer.document.problems and not layer.document.data]
    if unreadable:
        raise UserError(problem for layer in unreadable for problem in layer.document.problems)
    merged: dict[str, Any] = defaults()
    for layer in layers:
        merged = merge(merged, {key: value for key, value in layer.data.items() if key != SECRETS})
    settings = None
    try:
        settings = Settings.model_validate_json(
            json.dumps({**merged, "stack": stack.model_dump(mode="json")})
        )
    except ValidationError as error:
        problems += [_problem(path, *text, layers) for path, text in _findings(error, layers[-1])]
    problems += _secret_problems(stack, _mode(merged), layers[-1])
    if problems or settings is None:
        raise UserError(sorted(set(problems), key=_position))
    return settings


def _position(problem: Problem) -> tuple[str, int, str]:
    parts = problem.where.split(" ")[0].split(":")
    return parts[0], int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0, problem.where


def _layers(stack: StackName, folder: Path) -> tuple[list[Layer], list[Problem]]:
    profile_file, own_file = folder / "profiles" / f"{stack.environment}.yaml", stack_file(str(stack), folder)
    if not own_file.is_file():
        command = "slipway up" if stack.environment == "sandbox" else f"pulumi stack init {stack}"
        raise UserError.of(
            document.display(own_file), "does not exist", f"check the stack's name, or make it: {command}"
        )
    layers, problems = [], []
    if profile_file.is_file():
        profile = document.read(profile_file)
        layers.append(Layer(profile, "", (), profile.data))
        problems += profile.problems
    own = document.read(own_file)
    data, found = _own_sections(own)
    layers.append(Layer(own, f"{PROJECT}:", ("config",), data))
    return layers, problems + own.problems + found


def _own_sections(own: Document) -> tuple[dict[str, Any], list[Problem]]:
    """The sections below ``config:`` without their prefix, and every key that is none."""
    problems = [
        Problem(
            f"{own.where((key,))} {key}",
            f"unknown key{messages.near_miss(key, ENGINE_KEYS)}",
            f"sections stand below config: as {PROJECT}:<section>; beside it: {', '.join(ENGINE_KEYS)}",
        )
        for key in own.data
        if key not in ENGINE_KEYS
    ]
    config = own.data.get("config")
    if config is None or isinstance(config, dict):
        return _sections(own, config or {}, problems), problems
    problems.append(
        Problem(
            f"{own.where(('config',))} config",
            "is not a mapping",
            f"write keys like {PROJECT}:service below it",
        )
    )
    return {}, problems


def _sections(own: Document, config: dict[str, Any], problems: list[Problem]) -> dict[str, Any]:
    sections: dict[str, Any] = {}
    known = [*SECTIONS, SECRETS]
    for key, value in config.items():
        space, _, section = key.rpartition(":")
        if space == PROJECT and section in known:
            sections[section] = value
        elif space != "pulumi":
            guess = messages.near_miss(section, known) if space == PROJECT else _right_space(section, known)
            problems.append(
                Problem(
                    f"{own.where(('config', key))} {key}",
                    f"unknown key{guess}",
                    f"known keys here: {', '.join(f'{PROJECT}:{name}' for name in known)}",
                )
            )
    return sections


def _right_space(section: str, known: list[str]) -> str:
    return f"; did you mean {PROJECT}:{section}?" if section in known else ""


def _findings(error: ValidationError, own: Layer) -> list[tuple[KeyPath, tuple[str, str]]]:
    found: list[tuple[KeyPath, tuple[str, str]]] = []
    entries = error.errors(include_url=False)
    for entry in entries:
        path: KeyPath = entry["loc"]
        below = any(len(other["loc"]) > len(path) and other["loc"][: len(path)] == path for other in entries)
        if entry["type"] == "too_short" and below:
            continue  # a list counts as short when its items are wrong; the items are reported
        if entry["type"] == "rules":
            for item in entry["ctx"]["findings"]:
                key = next((key for key in (item.key, *item.also) if own.has(key)), item.key)
                found.append((key, (item.what, item.remedy)))
        else:
            found.append((path, messages.explain(entry, Settings, path)))
    return found


def _problem(path: KeyPath, what: str, remedy: str, layers: list[Layer]) -> Problem:
    """Pointed at the file that set the key, or its nearest ancestor; the stack file where none did."""
    for length in range(len(path), 0, -1):
        for layer in reversed(layers):
            if layer.has(path[:length]):
                key = document.dotted((f"{layer.prefix}{path[0]}", *path[1:]))
                return Problem(f"{layer.where(path[:length]).split(' ')[0]} {key}", what, remedy)
    return Problem(f"{layers[-1].document.file} {layers[-1].prefix}{document.dotted(path)}", what, remedy)


def _mode(merged: dict[str, Any]) -> Mode | None:
    """The service's mode where it can be read, even when something else is wrong."""
    service = merged.get("service")
    word = service.get("environment") if isinstance(service, dict) else None
    return Mode(word) if word in list(Mode) else None


def _secret_problems(stack: StackName, mode: Mode | None, own: Layer) -> list[Problem]:
    held = own.data.get(SECRETS) or {}
    if not isinstance(held, dict):
        return [
            Problem(
                own.where((SECRETS,)), "is not a mapping of names to encrypted values", _make(stack, "NAME")
            )
        ]
    known = [name.value for name in SecretName]
    problems = []
    for name, value in held.items():
        where = own.where((SECRETS, name))
        if name not in known:
            problems.append(
                Problem(
                    where,
                    f"unknown key{messages.near_miss(name, known)}",
                    f"known keys here: {', '.join(known)}",
                )
            )
        elif not (isinstance(value, dict) and list(value) == ["secure"] and isinstance(value["secure"], str)):
            problems.append(
                Problem(
                    where,
                    "is not encrypted",
                    f"take a new value, this one has been seen: {_make(stack, name)}",
                )
            )
    if mode is not None:
        problems += _missing_secrets(stack, mode, own, held)
    return problems


def _missing_secrets(stack: StackName, mode: Mode, own: Layer, held: dict[str, Any]) -> list[Problem]:
    wanted = required(mode)
    problems = [
        Problem(own.where((SECRETS, name.value)), "is missing", _make(stack, name.value))
        for name in SecretName
        if name in wanted and name.value not in held
    ]
    if SecretName.DEV_TOKEN in held and SecretName.DEV_TOKEN not in wanted:
        problems.append(
            Problem(
                own.where((SECRETS, SecretName.DEV_TOKEN.value)),
                f"a development token is set, and service.environment is {mode}",
                f"take it out: pulumi config rm --path {PROJECT}:secrets.{SecretName.DEV_TOKEN} -s {stack}",
            )
        )
    return problems


def _make(stack: StackName, name: str) -> str:
    """The command that makes a secret."""
    if stack.environment == "sandbox":
        return "delete the line if there is one, then: slipway up"
    return f"pulumi config set --path --secret {PROJECT}:{SECRETS}.{name} -s {stack}"
