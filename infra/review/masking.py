"""Takes secrets out of whatever a report shows, beside the engine's own [secret]: by name, by form, by value.

By name and form: infra/settings/flaw.py, as in every other message. By value: what stands at a secret place
of the plan in the clear is taken out wherever else it is repeated.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any
from urllib.parse import quote

from infra.review.plan import Plan
from infra.settings.flaw import CREDENTIALS, KEY_MATERIAL, MASK, TOLD, may_be_secret

ENGINES = "[secret]"
SHORTEST = 8  # shorter values would blank out ordinary words
# Fields whose name sounds like a secret and that hold the name of one, or a number.
NAMES_OF_SECRETS = re.compile(
    r"(secretName|[sS]ecretRef\.name|secretKeyRef\.(name|key)|nodePublishSecretRef\.name|\.secret\.name"
    r"|imagePullSecrets\[[^\]]*\](\.name)?|automountServiceAccountToken|serviceAccountToken\..*)$"
)
COUNTED = re.compile(r"(seconds|minutes|hours|days|ttl)$", re.IGNORECASE)
WORDS = re.compile(r"[a-z]+([-_. ][a-z]+)*")  # a scope, a back end: not worth blanking out elsewhere
PEM = re.compile(r"-----BEGIN [^-\n]*-----.*?(-----END [^-\n]*-----|\Z)", re.DOTALL)
TOKENS = re.compile(rf"({KEY_MATERIAL.pattern})\S*")  # the whole of what only begins like a token
ENTRY = re.compile(r"^(?P<indent>\s*(?:- +)?)[\"']?(?P<key>[\w./-]+)[\"']?\s*[:=]\s*(?P<value>.*)$")
BLOCK = re.compile(r"^[|>][-+0-9]*\s*(#.*)?$")
NAMED = re.compile(r"^[\"']?(?P<name>[^\"',]*)")


def of_value(value: Any, key: str) -> str | None:
    """What stands for a single value in a report; None where it may be shown. ``key``: its dotted path."""
    text = str(value)
    if text == ENGINES:
        return MASK
    if NAMES_OF_SECRETS.search(key) or (COUNTED.search(key) and text.strip("\"'").isdigit()):
        key = ""
    return MASK if may_be_secret(text, key) or ("\n" in text and of_text(text) != text) else None


def of_text(text: str) -> str:
    """A file's text, line by line: values of secret keys, tokens, addresses with passwords, private keys."""
    return "\n".join(_lines(PEM.sub(MASK, text).split("\n")))


def _lines(lines: Iterable[str]) -> Iterator[str]:
    """Also what belongs to a secret key and stands below it, or beside its name in a list of pairs."""
    below, named = -1, ""
    for line in lines:
        depth = len(line) - len(line.lstrip())
        if below >= 0 and (depth > below or not line.strip()):
            yield f"{line[:depth]}{MASK}" if line.strip() else line
            continue
        below = -1
        entry = ENTRY.match(line)
        if entry is None:
            named = named if line.strip() else ""
            yield MASK if may_be_secret(line) else line
            continue
        key, value = entry["key"], entry["value"].rstrip(", ")
        owner = f"{named}.{key}" if key == "value" else key
        if BLOCK.match(value) and may_be_secret("", owner):
            below = depth
        hidden = bool(value) and below < 0 and of_value(value, owner) is not None
        named = _name(value) if key == "name" else named
        yield f"{line[: entry.start('value')]}{MASK}" if hidden else line


def _name(value: str) -> str:
    found = NAMED.match(value)
    return found["name"] if found else ""


def cleaned(plan: Plan) -> Plan:
    """The plan without the values that stand at secret places of it although nothing masked them.

    At those places they stay, as they are never shown and tell a change from none.
    """
    found: set[str] = set()
    for step in plan.steps:
        for side in (step.old, step.new):
            _note_secrets(side, found)
    longest_first = sorted(found, key=lambda value: (-len(value), value))
    pattern = re.compile("|".join(map(re.escape, longest_first))) if found else None
    told = tuple(
        replace(each, message=_clean(of_message(each.message), pattern)) for each in plan.diagnostics
    )
    if pattern is None:
        return replace(plan, diagnostics=told)
    steps = tuple(
        replace(step, old=_without(step.old, pattern), new=_without(step.new, pattern)) for step in plan.steps
    )
    return replace(plan, steps=steps, diagnostics=told)


def of_message(text: str) -> str:
    """What an engine, a provider or a policy said, with MASK where a secret may stand."""
    return "\n".join(_message_line(line) for line in PEM.sub(MASK, text).split("\n"))


def _message_line(line: str) -> str:
    shown = TOKENS.sub(MASK, CREDENTIALS.sub(rf"\g<1>{MASK}@", line))
    told = TOLD.search(shown)
    return f"{shown[: told.end()]} {MASK}" if told and shown[told.end() :].strip() else shown


def _clean(text: str, pattern: re.Pattern[str] | None) -> str:
    return pattern.sub(MASK, text) if pattern else text


def _without(inputs: Mapping[str, Any], pattern: re.Pattern[str]) -> Mapping[str, Any]:
    kept = ("data", "stringData") if inputs.get("kind") == "Secret" else ()
    return {key: member if key in kept else _cleaned(member, key, pattern) for key, member in inputs.items()}


def _cleaned(value: Any, key: str, pattern: re.Pattern[str]) -> Any:
    if isinstance(value, dict):
        at = _at_pair(value, key)
        return {
            _clean(str(name), pattern): _cleaned(each, f"{at}.{name}", pattern)
            for name, each in value.items()
        }
    if isinstance(value, list):
        return [_cleaned(member, key, pattern) for member in value]
    return value if not isinstance(value, str) or _is_secret(key) else pattern.sub(MASK, value)


def _at_pair(value: Mapping[str, Any], key: str) -> str:
    """Of a pair of name and value in a list the name is a part of the path."""
    named = value.get("name")
    return f"{key}[{named}]" if isinstance(named, str) and "value" in value else key


def _note_secrets(inputs: Mapping[str, Any], found: set[str]) -> None:
    own = ("data", "stringData") if inputs.get("kind") == "Secret" else ()
    for key, value in inputs.items():
        if key in own:
            for text in _strings(value):
                found.update(_forms(text))
        else:
            _note_at_secret_keys(key, value, found)


def _note_at_secret_keys(key: str, value: Any, found: set[str]) -> None:
    """The values below a key, or beside a name in a list of pairs, that is a secret's by its name."""
    if isinstance(value, str):
        if len(value) >= SHORTEST and _is_secret(key) and "\n" not in value and not WORDS.fullmatch(value):
            found.update(_forms(value))
    elif isinstance(value, dict):
        # A path begins at the key that makes it a secret's: above it nothing is to be known.
        at = _at_pair(value, key if _sounds_secret(key) else "")
        for name, member in value.items():
            _note_at_secret_keys(f"{at}.{name}" if at else name, member, found)
    elif isinstance(value, list):
        for member in value:
            if not isinstance(member, str) or _sounds_secret(key):
                _note_at_secret_keys(key, member, found)


@cache
def _sounds_secret(key: str) -> bool:
    return may_be_secret("", key)


@cache
def _is_secret(key: str) -> bool:
    """By its name alone; the same paths come again with every resource."""
    return not NAMES_OF_SECRETS.search(key) and _sounds_secret(key)


def _forms(value: str) -> Iterator[str]:
    """A value as it may be written elsewhere: whole, in a URL, encoded and decoded."""
    if value in (ENGINES, MASK):
        return
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, ValueError):  # no base64, or not of a text
        decoded = ""
    encoded = base64.b64encode(value.encode()).decode()
    lines = value.splitlines() if "\n" in value else ()
    for form in {value, value.strip(), quote(value, safe=""), encoded, decoded, *lines}:
        if len(form) >= SHORTEST:
            yield form


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for member in _members(value):
        yield from _strings(member)


def _members(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def of_object(value: Any, key: str) -> Any:
    """A copy with MASK for every secret in it; of a list of pairs the name counts as a part of the path."""
    if isinstance(value, dict):
        at = _at_pair(value, key)
        return {str(name): of_object(member, f"{at}.{name}") for name, member in value.items()}
    if isinstance(value, list):
        return [of_object(member, key) for member in value]
    return of_value(value, key) or value
