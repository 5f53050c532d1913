"""The one jinja environment: undefined names are errors, files end with a newline."""

from __future__ import annotations

from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from infra.paths import TEMPLATES


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701  configuration files, not HTML
        keep_trailing_newline=True,
    )


def render(template: str, **values: Any) -> str:
    """The template below templates/ with the values. Raises jinja2.UndefinedError for a name without one."""
    return _environment().get_template(template).render(**values)
