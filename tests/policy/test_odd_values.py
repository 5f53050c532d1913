"""No rule breaks on what a plan may hold: what is unknown, secret, missing or of another type."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.policy.catalogue import RULES
from infra.policy.plan import Plan
from infra.policy.planned import SECRET, UNKNOWN
from tests.policy.manifests import FOLDER, read

pytestmark = pytest.mark.unit
ODD: tuple[Any, ...] = (None, UNKNOWN, SECRET, "text", 3, True, [], {}, [None], ["text"], [{}], {"a": None})
FILES = sorted(FOLDER.glob("*/*.yaml"))


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    items: Any = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, inner in items:
        yield from places(inner, (*path, key))


def with_odd(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy(value)
    holder = changed
    for part in path[:-1]:
        holder = holder[part]
    holder[path[-1]] = odd
    return changed


def judged(plan: Plan) -> int:
    return sum(len(list(rule.find(plan))) for rule in RULES)


@pytest.mark.parametrize("file", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_no_value_in_any_place_breaks_a_rule(file: Path) -> None:
    plan = read(file).plan
    for number, resource in enumerate(plan.resources):
        for path in places(dict(resource.properties)):
            for odd in ODD:
                changed = list(plan.resources)
                changed[number] = replace(resource, properties=with_odd(dict(resource.properties), path, odd))
                try:
                    judged(Plan(plan.stack, plan.environment, tuple(changed)))
                except Exception as error:
                    raise AssertionError(f"{resource.name} {path} = {odd!r}: {error!r}") from error


@pytest.mark.parametrize("odd", [UNKNOWN, SECRET])
@pytest.mark.parametrize("rule", ["images-do-not-move", "containers-gain-no-privileges"])
def test_nothing_is_said_of_a_specification_that_is_not_known_yet(rule: str, odd: str) -> None:
    (chosen,) = (each for each in RULES if each.name == rule)
    for file in FILES:
        plan = read(file).plan
        objects = [each for each in plan.resources if each.of_kubernetes]
        hidden = tuple(replace(each, properties={**each.properties, "spec": odd}) for each in objects)
        assert list(chosen.find(Plan(plan.stack, plan.environment, hidden))) == []
