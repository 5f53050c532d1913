"""The stacks of one repository, and what all of their pipelines share: one image, one branch, one suite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from infra.errors import Problem, UserError
from infra.names import PROJECT
from infra.settings.model import Settings
from infra.settings.pipelines import Pipelines, Provider
from infra.settings.secrets import PASSPHRASE
from infra.settings.stack import Environment

SHARED = ("provider", "repository", "branch", "registry", "tests", "gitlab_host")
ORDER = (Environment.DEV, Environment.STAGING, Environment.PROD)


@dataclass(frozen=True)
class Plan:
    """The stacks in the order in which a change goes through them, team by team."""

    stacks: tuple[Settings, ...]

    @property
    def shared(self) -> Pipelines:
        """What ``SHARED`` names is the same in every stack: the first one's."""
        return self.stacks[0].pipelines

    @property
    def provider(self) -> Provider:
        """Who runs them."""
        return self.shared.provider or Provider.GITHUB  # never empty: of() takes no other stack

    @property
    def registry(self) -> str:
        """Registry and repository of the image."""
        return self.shared.registry or ""  # never empty: pipelines-are-named-whole

    @property
    def names(self) -> tuple[str, ...]:
        """The stacks' names."""
        return tuple(str(settings.stack) for settings in self.stacks)

    @property
    def push_role(self) -> str | None:
        """The role that pushes to ECR: the first stack's that names one."""
        return next((found for each in self.stacks if (found := each.pipelines.aws.push_role)), None)

    @property
    def push_account(self) -> str | None:
        """The account that pushes to Artifact Registry: the first stack's that names one."""
        return next((found for each in self.stacks if (found := each.pipelines.gcp.push_account)), None)

    def before(self, settings: Settings) -> Settings | None:
        """The team's stack that a change goes to first; None for the first one."""
        own = [each for each in self.stacks if each.stack.team == settings.stack.team]
        place = own.index(settings)
        return own[place - 1] if place else None


def of(stacks: Sequence[Settings], keepers: Mapping[str, str]) -> Plan:
    """The plan of the stacks that have a provider. ``keepers``: stack → its secrets provider.

    Raises UserError where there is none, where two contradict one another, or where one's secrets need a
    passphrase, which a pipeline would have to store.
    """
    chosen = [settings for settings in stacks if settings.pipelines.provider]
    if not chosen:
        what = f"{_listed(stacks)} {'has' if len(stacks) == 1 else 'have'} no pipelines.provider"
        remedy = f"set {PROJECT}:pipelines in the stack file; stacks/reference.yaml has its keys"
        raise UserError.of(f"{PROJECT}:pipelines.provider", what, remedy)
    problems = [*_contradictions(chosen), *_passphrases(chosen, keepers)]
    if problems:
        raise UserError(problems)
    by_team = sorted(chosen, key=lambda each: (each.stack.team, ORDER.index(each.stack.environment)))
    return Plan(tuple(by_team))


def _listed(stacks: Sequence[Settings]) -> str:
    return ", ".join(str(settings.stack) for settings in stacks) or "no stack"


def _contradictions(stacks: Sequence[Settings]) -> Iterator[Problem]:
    first = stacks[0]
    for key in SHARED:
        mine = getattr(first.pipelines, key)
        other = next((each for each in stacks if getattr(each.pipelines, key) != mine), None)
        if other is not None:
            what = (
                f"{_written(mine)} in {first.stack}, and {_written(getattr(other.pipelines, key))} in "
                f"{other.stack}: one repository has one"
            )
            render = f"{PROJECT} pipelines render STACK…"
            remedy = f"write the same in both, or name the stacks of one repository: {render}"
            yield Problem(f"{PROJECT}:pipelines.{key}", what, remedy)


def _written(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _passphrases(stacks: Sequence[Settings], keepers: Mapping[str, str]) -> Iterator[Problem]:
    for settings in stacks:
        name, kind = str(settings.stack), "gcpkms" if settings.pipelines.at_gcp else "awskms"
        if keepers.get(name, PASSPHRASE) == PASSPHRASE:
            what = f"{name}'s secrets are encrypted with a passphrase, which a pipeline would have to store"
            remedy = f'use a key service: pulumi stack change-secrets-provider --stack {name} "{kind}://…"'
            yield Problem("secretsprovider", what, remedy)
