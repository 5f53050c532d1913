"""The answers of ``slipway init``: from flags, a file, questions and defaults, validated as one model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import Field, ValidationError, field_validator

from infra.errors import EXIT_USAGE, Problem, UserError
from infra.names import SANDBOX
from infra.settings import document, messages, sealed
from infra.settings.base import Host, Section
from infra.settings.document import Document
from infra.settings.images import REFERENCE
from infra.settings.modules import BUNDLED, Module
from infra.settings.secrets import PASSPHRASE
from infra.settings.stack import TEAM, Environment, StackName

ENVIRONMENTS = (Environment.DEV, Environment.STAGING, Environment.PROD)
ISSUER = "letsencrypt"
NOWHERE = (0, 0)


class Answers(Section):
    """Everything that ``slipway init`` needs to know; the questions are made from the fields' words."""

    team: str = Field(
        pattern=f"^{TEAM}$",
        description="Team: lower-case letters, digits and hyphens.",
        examples=["ledger"],
    )
    modules: tuple[Module, ...] = Field(
        min_length=1, description="Modules: the domains that the service runs."
    )
    dev_context: str = Field(
        min_length=1,
        max_length=253,
        description="Where dev goes: sandbox (of this machine), or a kubeconfig context.",
        examples=[SANDBOX],
    )
    staging_context: str = Field(
        min_length=1,
        max_length=253,
        description="Context of staging in the kubeconfig.",
        examples=["ledger-staging"],
    )
    prod_context: str = Field(
        min_length=1,
        max_length=253,
        description="Context of prod in the kubeconfig.",
        examples=["ledger-prod"],
    )
    image: str = Field(
        pattern=REFERENCE,
        description="Image of the service with tag or digest, for all but the sandbox.",
        examples=["registry.example/team/service:1.4.2"],
    )
    domain: Host | None = Field(
        description=f"Domain of prod, staging.<domain> and so on (issuer {ISSUER}); empty: no ingress."
    )
    secrets_provider: str = Field(
        description="What encrypts the secrets: passphrase, or a key service's address.",
        examples=[PASSPHRASE],
    )

    @field_validator("domain", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return None if value == "" else value

    @property
    def stacks(self) -> tuple[StackName, ...]:
        """The three stacks of the team."""
        return tuple(StackName(team=self.team, environment=environment) for environment in ENVIRONMENTS)

    def context(self, environment: Environment) -> str:
        """The kubeconfig context, or ``sandbox``."""
        return str(getattr(self, f"{environment}_context"))


QUESTIONS = ("team", "modules", "dev_context", "staging_context", "prod_context", "image", "domain")
FLAGS: Mapping[str, str] = MappingProxyType(
    {key: "--module" if key == "modules" else f"--{key.replace('_', '-')}" for key in Answers.model_fields}
)


def defaults(raw: Mapping[str, Any]) -> dict[str, Any]:
    """What is offered for each answer, in view of those given; nothing for team and image."""
    team, modules = raw.get("team"), raw.get("modules")
    beyond = isinstance(modules, list) and any(name not in BUNDLED for name in modules)
    return {
        "modules": [Module.LEDGER.value],
        "dev_context": f"{team}-dev" if beyond else SANDBOX,
        "staging_context": f"{team}-staging",
        "prod_context": f"{team}-prod",
        "domain": "",
        "secrets_provider": PASSPHRASE,
    }


@dataclass
class Given:
    """Answers as they came. ``file`` is the answers file; a flag wins over it."""

    raw: dict[str, Any] = field(default_factory=dict)
    file: Document | None = None
    flags: frozenset[str] = frozenset()

    def problem(self, path: tuple[str | int, ...], rule: str, what: str, remedy: str) -> Problem:
        """A problem where the answer stands: ``file:line:column key``, or the flag."""
        if self.file and self.place(path) != NOWHERE:
            return self.file.flaw(path, rule, what, remedy).problem
        key = str(path[0])
        return Problem(FLAGS.get(key, key), what, remedy)

    def place(self, path: tuple[str | int, ...]) -> tuple[int, int]:
        """Line and column of an answer in the file; NOWHERE for a flag's and a default."""
        key = str(path[0])
        if self.file is None or key not in self.file.data or key in self.flags:
            return NOWHERE
        line, column = self.file.place(path)
        return line or 0, column or 0


def gather(flags: Mapping[str, Any], path: Path | None) -> Given:
    """Flags (None and empty lists count as not given) over the answers file. Raises UserError with every
    problem of the file as a file."""
    given = {key: value for key, value in flags.items() if value is not None and value != []}
    if path is None:
        return Given(given, None, frozenset(given))
    file = document.read(path)
    if file.flaws:
        raise UserError((flaw.problem for flaw in file.flaws), exit_code=EXIT_USAGE)
    return Given({**file.data, **given}, file, frozenset(given))


def complete(given: Given) -> Answers:
    """All answers, defaults for those not given. Raises UserError with everything missing or wrong."""
    raw = {**defaults(given.raw), **given.raw}
    problems = [_missing(key) for key in Answers.model_fields if key not in raw]
    problems += _in_order(given, wrong(raw))
    if problems:
        raise UserError(problems, exit_code=EXIT_USAGE)
    return Answers.model_validate_json(json.dumps(raw))


def refuse_wrong(given: Given) -> None:
    """Raises UserError with everything wrong with what is given, whatever may still be missing."""
    if problems := _in_order(given, wrong(given.raw)):
        raise UserError(problems, exit_code=EXIT_USAGE)


def _in_order(given: Given, found: list[tuple[tuple[str | int, ...], str, str, str]]) -> list[Problem]:
    """Flags first, then the file's answers by their lines."""
    return [given.problem(*item) for item in sorted(found, key=lambda item: given.place(item[0]))]


def _missing(key: str) -> Problem:
    known = Answers.model_fields[key]
    example = known.examples[0] if known.examples else ""
    what = "is not answered, and nobody can be asked here"
    return Problem(
        key, what, f"add {FLAGS[key]} {example}, or the key in --answers FILE. {known.description}"
    )


def wrong(raw: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str, str]]:
    """(path, rule, what, remedy) of everything wrong with these answers; what is missing does not count."""
    found = []
    try:
        Answers.model_validate_json(json.dumps(dict(raw)))
    except ValidationError as error:
        entries = [entry for entry in error.errors(include_url=False) if entry["type"] != "missing"]
        items = {entry["loc"][0] for entry in entries if len(entry["loc"]) > 1}
        found = [
            (entry["loc"], *messages.explain(entry, Answers, entry["loc"]))
            for entry in entries
            if entry["type"] != "too_short" or entry["loc"][0] not in items  # the items are reported
        ]
    bad = {path[0] for path, *_ in found}
    return found + [item for item in _contradictions(raw) if item[0][0] not in bad]


def _contradictions(raw: Mapping[str, Any]) -> list[tuple[tuple[str | int, ...], str, str, str]]:
    found: list[tuple[tuple[str | int, ...], str, str, str]] = []
    if told := sealed.wrong_provider(raw.get("secrets_provider", PASSPHRASE)):
        found.append((("secrets_provider",), "secrets-provider", *told))
    modules = raw.get("modules")
    beyond = [name for name in modules if name not in BUNDLED] if isinstance(modules, list) else []
    if raw.get("dev_context") == SANDBOX and beyond and all(name in list(Module) for name in beyond):
        what = f"{SANDBOX}: the service built there has {', '.join(sorted(BUNDLED))}, not {', '.join(beyond)}"
        remedy = "name a kubeconfig context for dev, where your own image runs"
        found.append((("dev_context",), "bundled-service-has-the-modules", what, remedy))
    for key in ("staging_context", "prod_context"):
        if raw.get(key) == SANDBOX:
            remedy = "name a kubeconfig context; kubectl config get-contexts lists them"
            found.append(((key,), "sandbox-is-for-dev", f"{SANDBOX}: only dev goes to this machine", remedy))
    return found
