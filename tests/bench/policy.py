"""How long the rules take for 5,000 resources, beside walking through all their values; needs no sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from infra.declared import declared
from infra.policy import check
from infra.policy.check import Facts
from infra.policy.planned import Resource, strings
from infra.settings import check as settings
from infra.settings.stack import Environment
from tests.bench.checking import median_seconds

STACK = "uvis-prod"
RESOURCES = 5000
FACTS = Facts(STACK, Environment.PROD, date(2026, 1, 1))


def resources() -> list[Resource]:
    """A production stack as often as it takes, each time in namespaces and with buckets of its own."""
    own = [
        each for each in declared(settings.load(STACK, secrets=False)) if each.type[:4] in {"kube", "aws:"}
    ]
    copies = range(-(-RESOURCES // len(own)))
    return [_copied(resource, number) for number in copies for resource in own][:RESOURCES]


def _copied(resource: Resource, number: int) -> Resource:
    properties = _renamed(
        resource.properties, {"uvis-prod": f"uvis-{number}", "uvis-backups": f"backups-{number}"}
    )
    return Resource(f"{resource.urn}-{number}", resource.type, f"{resource.name}-{number}", properties)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Namespaces and buckets by their new names; the stack's label stays."""
    if isinstance(value, Mapping):
        return {
            key: inner if key == "app.kubernetes.io/instance" else _renamed(inner, names)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    return names.get(value, value) if isinstance(value, str) else value


def figures() -> dict[str, float]:
    """Seconds: every rule on all resources, and the walk alone."""
    planned = resources()
    return {
        "policy": median_seconds(lambda: check.check(planned, FACTS)),
        "policy_floor": median_seconds(lambda: [list(strings(each.properties)) for each in planned]),
    }


def main() -> dict[str, float]:
    """Print one line per figure; return all."""
    found = figures()
    floor, took = found["policy_floor"], found["policy"]
    print(f"walking through {RESOURCES} planned resources      {floor:7.3f} s   1.0")
    print(f"every rule of policy on them                {took:7.3f} s   {took / floor:.1f}")
    return found


if __name__ == "__main__":
    main()
