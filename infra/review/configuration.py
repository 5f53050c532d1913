"""ConfigMaps and Secrets: which keys change, to what, and of files which lines; of secrets the keys alone."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.review import content, masking, security
from infra.review.amounts import change, told
from infra.review.change import Line
from infra.review.differences import MISSING, UNKNOWN, Difference, between
from infra.review.labels import Mark
from infra.review.phrases import SECURE
from infra.review.plan import Op, Step
from infra.review.wording import listed, value
from infra.settings.flaw import MASK

KINDS = {"ConfigMap": ("data", "binaryData"), "Secret": ("data", "stringData")}
COUNTED_OPS = (Op.UPDATE, Op.REPLACE)
MOST_KEYS = 12
# stringData.NAME, data["a.key"]
MEMBER = re.compile(r"^(?:data|stringData|binaryData)(?:\.([^.\[]+)|\[\"((?:[^\"\\]|\\.)*)\"\])")


def is_configuration(step: Step) -> bool:
    """Whether the step changes what a ConfigMap or a Secret of Kubernetes holds."""
    return step.urn.type in {f"kubernetes:core/v1:{kind}" for kind in KINDS} and step.op in COUNTED_OPS


def lines(step: Step, component: str) -> tuple[Line, ...]:
    """One line that names the keys, and one for each file of which lines can be shown; none where all that
    it holds stays."""
    what = "secrets" if step.kind == "Secret" else "configuration"
    held = step.urn.name.removeprefix(f"{component}-") if component else step.urn.name
    of = f"{what} changed ({value(held)})"
    if step.kind == "Secret":
        keys = secret_keys(step)
        return (Line(f"{of}: {listed(keys, MOST_KEYS)}", SECURE),) if keys else ()
    differences = list(_entries(step))
    files = [each for each in differences if content.is_file(each.before, each.after)]
    singles = [each for each in differences if each not in files]
    found = []
    if singles:
        shown = [_single(each) for each in singles[:MOST_KEYS]]
        more = len(singles) - len(shown)
        marks = _marks(each.path[-1] for each in singles)
        said = "; ".join([*shown, *([f"and {more} more"] if more else [])])
        found.append(Line(f"{of}: {said}", marks | _cost(singles)))
    found += [_file(each, of) for each in files]
    return tuple(found)


def _entries(step: Step) -> Iterator[Difference]:
    for part in KINDS[step.kind]:
        sides = [side.get(part) for side in (step.old, step.new)]
        if masking.ENGINES in sides or UNKNOWN in sides:
            yield from (Difference((part, key), masking.ENGINES, masking.ENGINES) for key in _keys(step))
            continue
        before, after = (side if isinstance(side, Mapping) else {} for side in sides)
        yield from between(before, after, (part,))


def _single(difference: Difference) -> str:
    """``LOG_LEVEL INFO → DEBUG``."""
    key, before, after = difference.path[-1], difference.before, difference.after
    name = value(key)
    if any(side is not MISSING and masking.of_value(side, key) is not None for side in (before, after)):
        return f"{name} {MASK}"
    if before is MISSING:
        return f"{name} set to {told(after)}"
    return f"{name} no longer {told(before)}" if after is MISSING else f"{name} {change(before, after)}"


def _file(difference: Difference, of: str) -> Line:
    name = difference.path[-1]
    found = content.compared(difference.before, difference.after)
    return Line(f"{of}: {value(name)} {found.summary}", _marks([name]), found.lines)


def _marks(names: Any) -> frozenset[Mark]:
    return SECURE if any(security.of_variable(name) for name in names) else frozenset()


def _cost(differences: list[Difference]) -> frozenset[Mark]:
    kept = any("RETENTION" in each.path[-1] or "_KEEP_" in each.path[-1] for each in differences)
    return frozenset({Mark.COST}) if kept else frozenset()


def secret_keys(step: Step) -> list[str]:
    """The keys of a Secret that change: by the engine's paths, and by what is not masked."""
    seen = {each.path[-1] for each in _entries(step) if len(each.path) > 1}
    return sorted(seen | set(_keys(step)))


def _keys(step: Step) -> list[str]:
    found = (MEMBER.match(path) for path in step.paths)
    return sorted({match[1] or match[2] for match in found if match})
