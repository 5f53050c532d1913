"""The stack's name, parsed once: ``sandbox``, or ``<team>-<env>``."""

from __future__ import annotations

import re
from enum import StrEnum

from infra.errors import UserError
from infra.names import SANDBOX
from infra.settings.base import Section

TEAM = r"[a-z][a-z0-9-]{0,29}"
FORM = re.compile(rf"(?P<team>{TEAM})-(?P<environment>dev|staging|prod)")


class Environment(StrEnum):
    """Which profile of stacks/profiles applies?"""

    DEV = "dev"
    STAGING = "staging"
    PROD = "prod"
    SANDBOX = SANDBOX


class StackName(Section):
    """A parsed stack name; ``str()`` gives it back."""

    team: str
    environment: Environment

    @classmethod
    def parse(cls, text: str) -> StackName:
        """Raises UserError where ``text`` has neither form."""
        if text == SANDBOX:
            return cls(team=SANDBOX, environment=Environment.SANDBOX)
        match = FORM.fullmatch(text)
        if match is None:
            raise UserError.of(
                f"stack {text!r}",
                "the name is neither sandbox nor <team>-<env> with env one of dev, staging, prod",
                "name it so: lower-case letters, digits and hyphens, for example ledger-dev",
            )
        return cls(team=match["team"], environment=Environment(match["environment"]))

    def __str__(self) -> str:
        return SANDBOX if self.environment is Environment.SANDBOX else f"{self.team}-{self.environment}"
