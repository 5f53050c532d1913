"""Names that are made from content: another name of the same thing says no more than that it changed."""

from __future__ import annotations

from typing import Any

from infra.review.differences import HASHED, Difference
from infra.review.plan import Object, Op, Step

VERSION_LABEL = "app.kubernetes.io/version"


def named(inputs: Object) -> str:
    """``metadata.name``; empty where there is none that can be read."""
    metadata = inputs.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return name if isinstance(name, str) else ""


def namespace(inputs: Object) -> str:
    """``metadata.namespace``; empty where there is none."""
    metadata = inputs.get("metadata")
    found = metadata.get("namespace") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else ""


def same_stem(before: Any, after: Any) -> bool:
    """Whether both are names of one thing, each made from another content of it."""
    sides = [HASHED.match(side) if isinstance(side, str) else None for side in (before, after)]
    return all(sides) and sides[0]["stem"] == sides[1]["stem"]  # type: ignore[index]


def by_content(step: Step) -> bool:
    """Whether it is only replaced because its content, and so its name, changed: the old one goes last."""
    return (
        step.op is Op.REPLACE
        and same_stem(named(step.old), named(step.new))
        and namespace(step.old) == namespace(step.new)
    )


def is_consequence(difference: Difference) -> bool:
    """Whether the difference only repeats what is told elsewhere: a name by content, the image's version."""
    if difference.path and difference.path[-1] == VERSION_LABEL:
        return True
    return same_stem(difference.before, difference.after)
