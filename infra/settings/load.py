"""The only reader of ``pulumi.Config``: the checked settings, and the secrets as outputs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from infra.names import PROJECT
from infra.settings import check, document, layers
from infra.settings.document import KeyPath
from infra.settings.flaw import RefusedError
from infra.settings.layers import SECRETS, Layer
from infra.settings.model import SECTIONS, Settings
from infra.settings.secrets import SecretName
from infra.settings.sections import make_secret
from infra.settings.stack import StackName

Secrets = Mapping[SecretName, "pulumi.Output[str]"]


def load() -> tuple[Settings, Secrets]:
    """Settings and secrets of the stack being deployed. Raises pulumi.RunError with every problem, so that
    the engine shows the text and no stack trace."""
    report = check.examine(pulumi.get_stack())
    if report.settings is None:
        refused = RefusedError(report.errors)
        raise pulumi.RunError(f"the stack's configuration cannot be used\n{refused}")
    for note in report.notes:
        pulumi.log.warn(str(note))
    settings = report.settings
    held = _same_as_checked(settings.stack, report.layers[-1]).require_secret_object(SECRETS)
    return settings, {name: _value(held, name, str(settings.stack)) for name in sorted(settings.secret_names)}


def _same_as_checked(stack: StackName, file: Layer) -> pulumi.Config:
    """Pulumi's own config. Raises pulumi.RunError where it is not what the checked stack file holds."""
    config, own = pulumi.Config(), file.data
    found = [key for name in SECTIONS for key in _differences(_held(config, name), own.get(name), (name,))]
    if set(_held(config, SECRETS) or ()) != set(own.get(SECRETS) or ()):
        found.append((SECRETS,))
    if found:
        path = layers.stack_file(str(stack))
        keys = ", ".join(f"{PROJECT}:{document.dotted(key)}" for key in found)
        raise pulumi.RunError(
            f"{keys}: Pulumi was given another value than {file.document.file} holds, which was checked\n"
            f"  → run it without -c, with --config-file {path}; "
            "for stack files in another folder: export SLIPWAY_STACKS=FOLDER"
        )
    return config


def _held(config: pulumi.Config, section: str) -> Any:
    """A section as the engine hands it over: JSON, or bare text."""
    text = config.get(section)
    try:
        return None if text is None else json.loads(text)
    except ValueError:
        return text


def _differences(given: Any, own: Any, path: KeyPath) -> Iterator[KeyPath]:
    """Where two values differ. Empty counts as absent: Pulumi.yaml gives a section that is not there {}."""
    if isinstance(given, dict) or isinstance(own, dict):
        one, other = (value if isinstance(value, dict) else {} for value in (given, own))
        if all(value is None or isinstance(value, dict) for value in (given, own)):
            for key in {**one, **other}:
                yield from _differences(one.get(key), other.get(key), (*path, str(key)))
            return
    if given in (None, [], {}) and own in (None, [], {}):
        return
    if given != own:
        yield path


def _value(held: pulumi.Output[Mapping[str, object]], name: SecretName, stack: str) -> pulumi.Output[str]:
    def long_enough(values: Mapping[str, object]) -> str:
        value = str(values.get(name.value, ""))
        least = name.least_chars
        if len(value) < least:
            raise pulumi.RunError(
                f"slipway:secrets.{name}: has {len(value)} characters; at least {least} are needed\n"
                f"  → take a longer one: {make_secret(stack, name)}"
            )
        return value

    return held.apply(long_enough)
