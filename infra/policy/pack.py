"""The rules as policies of Pulumi's own policy SDK. The engine asks them of every resource, and of the stack.

A rule that judges each resource alone stops it before it is made. Others see the whole stack: in a preview
before anything is made, in an update at its end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pulumi
from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from infra.errors import UserError
from infra.policy.catalogue import RULES
from infra.policy.check import Facts, examine
from infra.policy.planned import UNKNOWN, Options, Resource, plain
from infra.policy.rule import Rule, Severity
from infra.settings import check
from infra.settings.stack import Environment, StackName

LEVELS = {
    Severity.MANDATORY: EnforcementLevel.MANDATORY,
    Severity.ADVISORY: EnforcementLevel.ADVISORY,
}


def policies() -> list[Policy]:
    """One policy for each rule, in their order; a rule that applies nowhere is disabled."""
    return [_of_resources(rule) if rule.alone else _of_stack(rule) for rule in RULES]


def _of_resources(rule: Rule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        _judge(rule, args, [args], report)

    return ResourceValidationPolicy(
        rule.name, rule.title, validate, _level(rule), remediation_steps=rule.remedy
    )


def _of_stack(rule: Rule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        _judge(rule, args, args.resources, report)

    return StackValidationPolicy(rule.name, rule.title, validate, _level(rule), remediation_steps=rule.remedy)


def _level(rule: Rule) -> EnforcementLevel:
    return LEVELS[rule.severity] if rule.environments else EnforcementLevel.DISABLED


def _judge(
    rule: Rule,
    args: ResourceValidationArgs | StackValidationArgs,
    resources: Iterable[ResourceValidationArgs | PolicyResource],
    report: ReportViolation,
) -> None:
    facts = facts_of(pulumi.get_stack())
    if facts.environment not in rule.environments:
        args.not_applicable(f"is not for {facts.environment}")  # raises
    for finding in examine(map(planned, resources), facts, [rule]).findings:
        if finding.rule == rule.name:  # exemptions of other rules are not idle
            where = f"{finding.path}: " if finding.path else ""
            report(f"{where}{finding.what}\n→ {finding.remedy}", finding.urn)


@cache
def facts_of(stack: str) -> Facts:
    """What is known of the stack beside its resources; of one that is not slipway's, the strictest."""
    today = datetime.now(UTC).date()
    try:
        environment = StackName.parse(stack).environment
    except UserError:
        return Facts(stack, Environment.PROD, today)
    settings = check.examine(stack, secrets=False).settings
    return Facts(stack, environment, today, settings.policy.exempt if settings else ())


def planned(args: ResourceValidationArgs | PolicyResource) -> Resource:
    """The resource that the engine asks about. Of its options the SDK (1.21) does not tell retainOnDelete."""
    options = Options(protect=bool(args.opts.protect), ignored=tuple(args.opts.ignore_changes))
    return Resource(args.urn, args.resource_type, args.name, plain(_known(args.props)), options)


def _known(value: Any) -> Any:
    """The same as plain data: the SDK's own raises as soon as one looks at a value that is not known yet."""
    if isinstance(value, Mapping):
        return {key: _item(value, key) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_item(value, index) for index in range(len(value))]
    return value


def _item(holder: Any, key: Any) -> Any:
    try:
        return _known(holder[key])
    except UnknownValueError:
        return UNKNOWN
