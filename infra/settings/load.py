"""The only reader of ``pulumi.Config``: the checked settings, and the secrets as outputs."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi

from infra.errors import UserError
from infra.settings import check
from infra.settings.model import Settings
from infra.settings.secrets import MIN_CHARS, SecretName

Secrets = Mapping[SecretName, "pulumi.Output[str]"]


def load() -> tuple[Settings, Secrets]:
    """Settings and secrets of the stack being deployed. Raises pulumi.RunError with every problem, so that
    the engine shows the text and no stack trace."""
    try:
        settings = check.load(pulumi.get_stack())
    except UserError as error:
        raise pulumi.RunError(f"the stack's configuration cannot be used\n{error}") from None
    held = pulumi.Config().require_secret_object("secrets")
    return settings, {name: _value(held, name) for name in sorted(settings.secret_names)}


def _value(held: pulumi.Output[Mapping[str, object]], name: SecretName) -> pulumi.Output[str]:
    def long_enough(values: Mapping[str, object]) -> str:
        value = str(values[name.value])
        if len(value) < MIN_CHARS:
            raise pulumi.RunError(
                f"slipway:secrets.{name}: has {len(value)} characters; at least {MIN_CHARS} are needed\n"
                f"  → make a longer one: pulumi config set --path --secret slipway:secrets.{name}"
            )
        return value

    return held.apply(long_enough)
