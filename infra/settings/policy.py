"""Section ``policy``: what a stack is exempt from, why, and until when."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from infra.settings.base import ListRule, Section, merged_by


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("day", "is no day of the calendar") from None
    return text


Day = Annotated[
    str,
    Field(pattern=r"^20[0-9]{2}-[01][0-9]-[0-3][0-9]$", examples=["2027-03-31"]),
    AfterValidator(_day),
]


class Exemption(Section):
    """One resource that may break one rule."""

    rule: str = Field(
        pattern=r"^[a-z][a-z-]{0,60}[a-z]$",
        description="Name of the rule, as docs/policy.md and the finding have it.",
        examples=["databases-have-backups"],
    )
    resource: str = Field(
        min_length=1,
        max_length=200,
        description="Name of the resource in Pulumi, as the finding has it.",
        examples=["postgres-set"],
    )
    reason: str = Field(
        min_length=10,
        max_length=500,
        description="Why it is accepted; whoever reads the file must be able to agree.",
        examples=["the data is a copy that is made anew every night"],
    )
    until: Day | None = Field(
        None, description="Last day on which it holds; without it, as long as it stands here."
    )

    def ended(self, today: date) -> bool:
        """Whether its last day has passed."""
        return self.until is not None and today > date.fromisoformat(self.until)


class Policy(Section):
    """What every planned resource must be; docs/policy.md has the rules."""

    exempt: tuple[Exemption, ...] = Field(
        (),
        json_schema_extra=merged_by(ListRule.REPLACE),
        description="Resources that may break a rule of docs/policy.md, each with the reason.",
    )
