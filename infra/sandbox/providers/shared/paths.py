"""Pulumi's property paths: ``spec.template.spec.containers[0].image``, ``metadata.labels["a.b/c"]``."""

from __future__ import annotations

import re
from typing import Any

from infra.sandbox.providers.shared.values import Path

_STEP = re.compile(r'\["((?:[^"\\]|\\.)*)"\]|\[(\d+|\*)\]|([^.\[\]]+)')
_API_FIELD = re.compile(r"[^.\[\]]+|\[[^\]]*\]")


def render(path: Path) -> str:
    """The text of a path."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif re.search(r'[."\[\]]', step):
            text += '["{}"]'.format(step.replace('"', '\\"'))
        else:
            text += f".{step}" if text else step
    return text


def parse(text: str) -> Path:
    """The path of a text; ``*`` stays as it is."""
    steps: list[str | int] = []
    for quoted, index, plain in _STEP.findall(text):
        if index:
            steps.append(int(index) if index != "*" else "*")
        else:
            steps.append(quoted.replace('\\"', '"') or plain)
    return tuple(steps)


def field_steps(field: str) -> tuple[str, ...]:
    """The members of a field as the API server writes it, to its first index (``spec.ports[0].x``)."""
    steps: list[str] = []
    for token in _API_FIELD.findall(field):
        if token.startswith("["):
            break
        steps.append(token)
    return tuple(steps)


def under(path: Path, prefix: tuple[Any, ...]) -> bool:
    """Whether a path is a prefix's or below it; ``*`` in the prefix is any index."""
    if len(path) < len(prefix):
        return False
    return all(
        p == step or (p == "*" and isinstance(step, int)) for step, p in zip(path, prefix, strict=False)
    )
