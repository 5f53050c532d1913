"""A stack file's text from the answers: what the team must own, and its secrets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml

from infra.names import PROJECT, SANDBOX
from infra.onboarding.answers import ENVIRONMENTS, ISSUER, Answers
from infra.render.environment import render
from infra.settings.images import Catalogue
from infra.settings.layers import ROTATED, SECRETS
from infra.settings.secrets import PASSPHRASE, SecretName
from infra.settings.stack import Environment

WIDTH = 10_000  # no value is broken over lines


def sections(answers: Answers, environment: Environment) -> dict[str, Any]:
    """The sections that the environment's profile cannot know."""
    context = answers.context(environment)
    local = context == SANDBOX
    found: dict[str, Any] = {
        "cluster": {"sandbox": True} if local else {"context": context},
        "images": {"catalogue": Catalogue.SANDBOX.value} if local else {"service": answers.image},
        "modules": [module.value for module in answers.modules],
    }
    if answers.domain and not local:
        found["ingress"] = {"hosts": [host(answers.domain, environment)], "cluster_issuer": ISSUER}
    return found


def host(domain: str, environment: Environment) -> str:
    """prod has the domain itself, the others a name below it."""
    return domain if environment is ENVIRONMENTS[-1] else f"{environment}.{domain}"


def text(
    answers: Answers,
    environment: Environment,
    engine: Mapping[str, str],
    sealed: Mapping[SecretName, str],
    day: str,
) -> str:
    """The stack file. engine: its keys for decryption; sealed: ciphertexts; day: when they were made."""
    return render(
        "stacks/stack.yaml.j2",
        project=PROJECT,
        team=answers.team,
        environment=environment.value,
        engine={key: _flow(value) for key, value in engine.items()},
        sections={name: _flow(value) for name, value in sections(answers, environment).items()},
        secrets=SECRETS,
        rotated=ROTATED,
        sealed={name.value: cipher for name, cipher in sealed.items()},
        day=day,
    )


def draft(answers: Answers, environment: Environment) -> str:
    """The file without its secrets, to be checked before anything is encrypted."""
    named = {} if answers.secrets_provider == PASSPHRASE else {"secretsprovider": answers.secrets_provider}
    return text(answers, environment, named, {}, "")


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    dumped = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=WIDTH, allow_unicode=True)
    return dumped.removesuffix("\n").removesuffix("\n...")
