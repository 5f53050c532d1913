"""Every rule, in the order of docs/policy.md."""

from __future__ import annotations

from infra.policy.rule import Rule
from infra.policy.rules import availability, buckets, containers, data, network, objects, pods

RULES: tuple[Rule, ...] = (
    *pods.RULES,
    *containers.RULES,
    *objects.RULES,
    *network.RULES,
    *availability.RULES,
    *buckets.RULES,
    *data.RULES,
)
