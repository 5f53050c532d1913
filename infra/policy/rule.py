"""What a rule is, and what it finds. rules/ has the rules, catalogue.py their list."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from infra.policy.plan import Plan
from infra.policy.planned import Resource
from infra.settings.flaw import shown
from infra.settings.stack import Environment

EVERYWHERE = frozenset(Environment)
IN_PRODUCTION = frozenset({Environment.PROD})


class Severity(StrEnum):
    """Does it stop the stack?"""

    MANDATORY = "mandatory"
    ADVISORY = "advisory"


@dataclass(frozen=True)
class Breach:
    """Where a plan breaks a rule. ``path``: the property, from the resource on; ``what``: the value received
    and why it cannot be; ``remedy``: where the rule's own does not fit."""

    resource: Resource
    path: str
    what: str
    remedy: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule. ``title``: what must hold; ``why`` and ``remedy``: for people; ``alone``: it judges each
    resource without looking at others, so that a policy pack can stop one before it is made."""

    name: str
    title: str
    why: str
    remedy: str
    find: Callable[[Plan], Iterator[Breach]]
    severity: Severity = Severity.MANDATORY
    environments: frozenset[Environment] = EVERYWHERE
    alone: bool = False


@dataclass(frozen=True)
class Finding:
    """A broken rule in a stack. ``resource`` is its name in Pulumi, ``path`` its property."""

    rule: str
    severity: Severity
    urn: str
    resource: str
    path: str
    what: str
    remedy: str

    @property
    def where(self) -> str:
        """``service-deployment spec.replicas``."""
        return f"{self.resource} {self.path}".rstrip()

    def __str__(self) -> str:
        return f"{self.where}: {self.what}\n  → {self.remedy}"


def said(path: str, value: Any) -> str:
    """``is missing``, ``is false``: a value that may be shown, or what kind it is."""
    if value is None:
        return "is missing"
    return f"is {shown(path, value, quoted=False) or ('a list' if isinstance(value, list) else 'a mapping')}"


def wanted(resource: Resource, path: str, value: Any, want: str) -> Breach:
    """The value at ``path`` is another than the one that is wanted."""
    return Breach(resource, path, f"{said(path, value)}, and {want} is wanted")
