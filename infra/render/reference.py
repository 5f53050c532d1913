"""stacks/reference.yaml: every key with its default and its meaning, in the shape of a stack file."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

import yaml

from infra.names import PROJECT
from infra.render import keys
from infra.render.environment import render
from infra.render.keys import Key
from infra.render.schema import ALWAYS
from infra.render.validate import RenderError
from infra.settings.model import defaults
from infra.settings.secrets import SecretName
from infra.settings.sections import BESIDE, SECRETS
from infra.settings.stack import Environment

WIDTH = 100
INDENT = 2
CIPHERTEXT = "v1:nonce:ciphertext"


def text() -> str:
    """The file. Raises RenderError where it does not read back as the model's own values."""
    profiles = keys.profiles()
    body = "\n".join("\n".join(_lines(key, 1, profiles)) + "\n" for key in keys.sections())
    secrets = [(name, name in ALWAYS) for name in SecretName]
    page = render(
        "docs/reference.yaml.j2", body=body, project=PROJECT, secrets=secrets, ciphertext=CIPHERTEXT
    )
    _reads_back(page)
    return page


def _lines(key: Key, depth: int, profiles: dict[Environment, dict[str, Any]]) -> Iterator[str]:
    """A comment, the key, and whatever is below it."""
    margin = " " * (INDENT * depth)
    name = f"{PROJECT}:{key.path[0]}" if len(key.path) == 1 else key.path[-1]
    yield from (f"{margin}# {line}" for line in _comment(key, profiles))
    yield f"{margin}{name}:" if key.keys else f"{margin}{name}: {keys.written(key.leaf.default)}"
    for inner in key.keys:
        yield from _lines(inner, depth + 1, profiles)


def _comment(key: Key, profiles: dict[Environment, dict[str, Any]]) -> Iterator[str]:
    """Meaning, what may stand here, the rule of a list, what the profiles set."""
    yield from textwrap.wrap(key.meaning, WIDTH, break_on_hyphens=False)
    if key.keys:
        return
    if allowed := key.allowed():
        yield f"{allowed[0].upper()}{allowed[1:]}"
    if key.list_rule:
        yield f"The list {key.list_rule}."
    set_by = [
        f"{environment} {keys.written(value)}"
        for environment, data in profiles.items()
        for value in keys.found(data, key.path)
    ]
    if set_by:
        yield f"Profiles: {', '.join(set_by)}"


def _reads_back(page: str) -> None:
    read = yaml.safe_load(page)["config"]
    own = {f"{PROJECT}:{name}" for name in BESIDE}
    sections = {key.removeprefix(f"{PROJECT}:"): value for key, value in read.items() if key not in own}
    if sections != defaults() or set(read[f"{PROJECT}:{SECRETS}"]) != ALWAYS:
        raise RenderError("stacks/reference.yaml: reads back differently")
