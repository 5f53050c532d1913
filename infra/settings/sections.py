"""The top level of a stack file and of a profile: which keys are sections, what others were meant for."""

from __future__ import annotations

from pathlib import PurePath
from typing import Any

from infra.names import PROJECT, SANDBOX
from infra.settings import messages
from infra.settings.document import Document
from infra.settings.flaw import MASK, Flaw, key_name, printable
from infra.settings.model import SECTIONS
from infra.settings.secrets import SecretName

ENGINE_KEYS = ("config", "encryptionsalt", "encryptedkey", "secretsprovider", "environment")
SECRETS = "secrets"
ROTATED = "rotated"
BESIDE = (SECRETS, ROTATED)  # stand in the stack file only, and are no part of the settings
KNOWN = (*SECTIONS, *BESIDE)
NAMES = f"known keys here: {', '.join(f'{PROJECT}:{name}' for name in KNOWN)}"
SECRET_NAMES = tuple(name.value for name in SecretName)


def of_stack(own: Document) -> tuple[dict[str, Any], list[Flaw]]:
    """The sections below ``config:`` without their prefix, and every key that is none."""
    flaws = [_beside_config(own, key) for key in own.data if key not in ENGINE_KEYS]
    config = own.data.get("config")
    if config is not None and not isinstance(config, dict):
        what, remedy = "is not a mapping", f"write keys like {PROJECT}:service below it"
        return {}, [*flaws, own.flaw(("config",), "wrong-type", what, remedy)]
    sections: dict[str, Any] = {}
    for key, value in (config or {}).items():
        space, _, section = key.rpartition(":")
        if space == PROJECT and section in KNOWN:
            sections[section] = value
        elif space != "pulumi":  # the engine's own settings
            flaws.append(_unknown(own, key, value))
    return sections, flaws


def is_encrypted(value: Any) -> bool:
    """``{secure: <ciphertext>}``, as Pulumi writes it."""
    return isinstance(value, dict) and list(value) == ["secure"] and isinstance(value["secure"], str)


def make_secret(stack: str, name: str) -> str:
    """The command that makes a secret."""
    if stack == SANDBOX:
        return "delete the line if there is one, then: slipway up"
    verb = "set" if name in SECRET_NAMES and SecretName(name).given else "rotate"
    return f"slipway secrets {verb} {name} {stack}"


def _beside_config(own: Document, key: str) -> Flaw:
    space, _, section = printable(key).rpartition(":")
    if (space or PROJECT) == PROJECT and section in KNOWN:
        what, remedy = (
            "stands beside config:, and sections stand below it",
            f"indent it below config: as {PROJECT}:{section}",
        )
        return own.flaw((key,), "unknown-key", what, remedy)
    what = f"unknown key{messages.near_miss(key, ENGINE_KEYS)}"
    remedy = f"sections stand below config: as {PROJECT}:<section>; beside it: {', '.join(ENGINE_KEYS)}"
    return own.flaw((key,), "unknown-key", what, remedy)


def _unknown(own: Document, key: str, value: Any) -> Flaw:
    """A key below ``config:`` that is no section. Its value is never shown: it may be a misplaced secret."""
    name = key_name(key)
    space, _, section = name.rpartition(":")
    if ":" in space:  # what follows may be a value that lacks its space
        name = f"{space.partition(':')[0]}:{space.partition(':')[2].partition(':')[0]}:{MASK}"
        what = "has two colons: a value needs a space after its colon"
        told = "wrong-namespace", what, f"write {PROJECT}:<section>, then a colon and a space"
    elif space == PROJECT:
        told = _unknown_section(own, section, value)
    elif not space and section == PROJECT:
        what = f"is a namespace, and stands before each section: {PROJECT}:service"
        told = "wrong-namespace", what, f"write {PROJECT}:<section> for each key below it"
    else:
        what = f"is in {f'the namespace {space}:' if space else 'no namespace'}, and {PROJECT}: is wanted"
        guess = messages.close(section, KNOWN)
        told = "wrong-namespace", what, f"write {PROJECT}:{guess}" if guess else NAMES
    return own.flaw(("config", key), *told, key=name)


def _unknown_section(own: Document, section: str, value: Any) -> tuple[str, str, str]:
    first, _, rest = section.partition(".")
    secret = rest if first == SECRETS else section
    misplaced = first == SECRETS or section in SECRET_NAMES
    if misplaced and is_encrypted(value):
        what = f"is a secret beside {PROJECT}:{SECRETS}, and secrets stand below it"
        return (
            "unknown-key",
            what,
            f"write {secret} below {PROJECT}:{SECRETS}; pulumi config set takes --path",
        )
    if misplaced:
        stack = PurePath(own.file).name.removeprefix("Pulumi.").removesuffix(".yaml")
        what = f"is not encrypted, and no secret stands beside {PROJECT}:{SECRETS}"
        remedy = f"take a new value, this one has been seen: {make_secret(stack, secret)}"
        return "plain-secret", what, remedy
    if first in KNOWN:
        what = f"is a path, and the file wants its keys nested below {PROJECT}:{first}"
        remedy = f"nest it, or set it with --path: pulumi config set --path {PROJECT}:{section}"
        return "unknown-key", what, remedy
    return "unknown-key", f"unknown key{messages.near_miss(section, KNOWN)}", NAMES


def of_profile(profile: Document) -> tuple[dict[str, Any], list[Flaw]]:
    """The sections, and every key that a profile may not have."""
    sections = {key: value for key, value in profile.data.items() if key in SECTIONS}
    return sections, [_no_profile_key(profile, key) for key in profile.data if key not in SECTIONS]


def _no_profile_key(profile: Document, key: str) -> Flaw:
    bare = key.removeprefix(f"{PROJECT}:")
    if bare in (*BESIDE, *SECRET_NAMES):
        rule, what = "plain-secret", "a profile is shared by all teams and holds no secret"
        remedy = "take it out, and a new value for each: slipway secrets set NAME STACK"
    elif key == "config":
        rule, what, remedy = "unknown-key", "a profile has its sections without config:", "take the line out"
    elif bare != key and bare in SECTIONS:
        rule, what, remedy = (
            "wrong-namespace",
            f"a profile has its sections without {PROJECT}:",
            f"write {bare}",
        )
    else:
        rule, what = "unknown-key", f"unknown key{messages.near_miss(key, SECTIONS)}"
        remedy = f"known keys here: {', '.join(SECTIONS)}"
    return profile.flaw((key,), rule, what, remedy)
