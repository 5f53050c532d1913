"""Where what the policies say about the planned resources is merged into a review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from infra.review.masking import of_message


class Finding(Protocol):
    """What a policy says of one resource. ``resource``: its logical name or URN; ``mandatory``: nothing may
    be applied while it stands."""

    @property
    def rule(self) -> str: ...
    @property
    def resource(self) -> str: ...
    @property
    def what(self) -> str: ...
    @property
    def remedy(self) -> str: ...
    @property
    def mandatory(self) -> bool: ...


class Level(StrEnum):
    """Does it stop the stack?"""

    MANDATORY = "mandatory"
    EXEMPT = "exempt"
    ADVISORY = "advisory"


@dataclass(frozen=True)
class Told:
    """A finding as a report has it; ``resource`` is a logical name."""

    level: Level
    rule: str
    resource: str
    what: str
    remedy: str


def merged(findings: Iterable[Finding], exempt: Iterable[Finding] = ()) -> tuple[Told, ...]:
    """Each once, mandatory ones first. ``exempt``: what an exemption accepts, for whoever minds security."""
    told = [_told(each, Level.MANDATORY if each.mandatory else Level.ADVISORY) for each in findings]
    told += [_told(each, Level.EXEMPT) for each in exempt]
    levels = list(Level)
    return tuple(
        sorted(
            dict.fromkeys(told),
            key=lambda each: (levels.index(each.level), each.rule, each.resource, each.what),
        )
    )


def _told(finding: Finding, level: Level) -> Told:
    name = finding.resource.rpartition("::")[2]
    return Told(level, finding.rule, name, of_message(finding.what), of_message(finding.remedy))
