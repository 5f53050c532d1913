"""Changes that the engine tells of and the inputs do not show: masked values, and what runs otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.review import masking
from infra.review.differences import MISSING, Path
from infra.review.plan import Step
from infra.settings.flaw import MASK

# The engine's property paths (pulumi/sdk, resource/property_path.go): name, [index], ["any name"].
STEP = re.compile(r"\[\"((?:[^\"\\]|\\.)*)\"\]|\[(\d+)\]|([^.\[\]]+)")
NOBODYS = {"metadata", "status", "apiVersion"}  # of these only the inputs say what was wanted


def paths(step: Step) -> Iterator[tuple[Path, str]]:
    """Each path whose change cannot be seen, and what is known about it."""
    for text in sorted(step.paths):
        path = parsed(text)
        if not path:
            continue
        before, after = (_reached(side, path) for side in (step.old, step.new))
        if masking.ENGINES in (before, after) or (isinstance(after, str) and MASK in after):
            yield path, "changes (hidden)"
        elif before is not MISSING and before == after and path[0] not in NOBODYS and len(path) > 1:
            yield path, "is set again, as it is not what runs"


def parsed(text: str) -> Path:
    """``spec.containers[0].image`` as a path whose items have numbers."""
    return tuple(
        f"[{match[2]}]" if match[2] is not None else (match[3] or match[1] or "").replace('\\"', '"')
        for match in STEP.finditer(text)
    )


def _reached(value: Any, path: Path) -> Any:
    """The value at the path, or the mask that stands above it."""
    for step in path:
        if value == masking.ENGINES:
            return value
        if isinstance(value, Mapping):
            value = value.get(step, MISSING)
        elif isinstance(value, list) and step.startswith("["):
            index = int(step.strip("[]"))
            value = value[index] if index < len(value) else MISSING
        else:
            return MISSING
    return value
