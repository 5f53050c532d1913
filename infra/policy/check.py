"""Holds the rules against planned resources: what breaks them, what is exempt, and what is so in vain."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

from infra.policy.catalogue import RULES
from infra.policy.plan import Plan
from infra.policy.planned import Resource
from infra.policy.rule import Finding, Rule, Severity
from infra.settings.messages import near_miss
from infra.settings.model import Settings
from infra.settings.policy import Exemption
from infra.settings.stack import Environment

IDLE = "exemptions-are-needed"


@dataclass(frozen=True)
class Facts:
    """What is known of a stack beside its resources. ``today``: on which exemptions end."""

    stack: str
    environment: Environment
    today: date
    exempt: tuple[Exemption, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """``findings``: what breaks a rule; ``exempted``: what is accepted, with the reason."""

    findings: tuple[Finding, ...]
    exempted: tuple[tuple[Finding, Exemption], ...] = ()


def of(settings: Settings, planned: Iterable[Resource]) -> Verdict:
    """What a stack plans, today."""
    today = datetime.now(UTC).date()
    facts = Facts(str(settings.stack), settings.stack.environment, today, settings.policy.exempt)
    return examine(planned, facts)


def check(resources: Iterable[Resource], facts: Facts) -> list[Finding]:
    """Every finding that no exemption accepts, those of one rule together, mandatory ones first."""
    return list(examine(resources, facts).findings)


def examine(resources: Iterable[Resource], facts: Facts, rules: Sequence[Rule] = RULES) -> Verdict:
    """The same with what is accepted. An exemption that accepts nothing is a finding too."""
    plan = Plan(facts.stack, facts.environment, tuple(resources))
    found, accepted, used = [], [], set[int]()
    for finding in dict.fromkeys(_findings(plan, rules)):  # what two containers share is said once
        number = next((n for n, each in enumerate(facts.exempt) if _meant(each, finding)), None)
        if number is None:
            found.append(finding)
            continue
        used.add(number)
        exemption = facts.exempt[number]
        if exemption.ended(facts.today):
            what = f"{finding.what}; its exemption ended on {exemption.until}"
            found.append(replace(finding, what=what))
        else:
            accepted.append((finding, exemption))
    idle = [_idle(number, each, rules) for number, each in enumerate(facts.exempt) if number not in used]
    severities = list(Severity)
    found.sort(key=lambda finding: severities.index(finding.severity))
    return Verdict((*found, *idle), tuple(accepted))


def _findings(plan: Plan, rules: Sequence[Rule]) -> Iterator[Finding]:
    for rule in rules:
        if plan.environment in rule.environments:
            for breach in rule.find(plan):
                yield Finding(
                    rule.name,
                    rule.severity,
                    breach.resource.urn,
                    breach.resource.name,
                    breach.path,
                    breach.what,
                    breach.remedy or rule.remedy,
                )


def _meant(exemption: Exemption, finding: Finding) -> bool:
    return exemption.rule == finding.rule and exemption.resource == finding.resource


def _idle(number: int, exemption: Exemption, rules: Sequence[Rule]) -> Finding:
    known = [rule.name for rule in rules]
    if exemption.rule not in known:
        what = f"there is no rule {exemption.rule}{near_miss(exemption.rule, known)}"
        remedy = "docs/policy.md has their names"
    else:
        what = f"{exemption.resource} does not break {exemption.rule}, and is exempt from it"
        remedy = "take the exemption out, or name the resource as Pulumi does"
    return Finding(IDLE, Severity.ADVISORY, "", "", f"policy.exempt[{number}]", what, remedy)
