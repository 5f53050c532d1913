"""The policy pack, as `pulumi preview --policy-pack infra/policy` starts it: it serves until it is ended."""

from __future__ import annotations

from pulumi_policy import EnforcementLevel, PolicyPack

from infra.names import PROJECT
from infra.policy.pack import policies

PolicyPack(PROJECT, policies(), enforcement_level=EnforcementLevel.MANDATORY)
