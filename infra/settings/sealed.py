"""The secrets of a stack file as a reader sees them: which are there, all encrypted, none too many."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from infra.settings import messages
from infra.settings.backups import StoreKind
from infra.settings.flaw import MASK, Flaw
from infra.settings.layers import Layer
from infra.settings.modules import Module
from infra.settings.monitoring import Receiver
from infra.settings.secrets import PASSPHRASE, SCHEMES, SecretName, of_grafana, required
from infra.settings.sections import ROTATED, SECRETS, is_encrypted, make_secret
from infra.settings.sections import SECRET_NAMES as NAMES
from infra.settings.service import Mode
from infra.settings.stack import StackName

__all__ = ["MISSING_SECRET", "flaws", "is_encrypted", "parse_day", "wanted"]

MISSING_SECRET = "missing-secret"  # noqa: S105  a rule's name, not a value
PROVIDER = re.compile(r"(?P<scheme>[a-z]+)://\S+")
SALT = re.compile(r"v1:[^\s:]+:v1:[^\s:]+:[^\s:]+")  # the salt, and a known text encrypted with it
CIPHERTEXT = re.compile(r"v1:\S+")  # what Pulumi writes for a passphrase and for every key service


def flaws(stack: StackName, merged: dict[str, Any], own: Layer, *, missing: bool) -> list[Flaw]:
    """What is wrong with the stack's secrets. ``missing``: whether a secret that is not there yet counts."""
    held = own.data.get(SECRETS)
    if held is not None and (is_encrypted(held) or not isinstance(held, dict)):
        said = (
            "is encrypted as a whole, and each"
            if is_encrypted(held)
            else "is not a mapping of names to values, and each"
        )
        what = f"{said} secret is encrypted by itself"
        return [
            own.flaw(
                (SECRETS,),
                "wrong-type",
                what,
                f"take it out, then for each: {make_secret(str(stack), 'NAME')}",
            )
        ]
    found = [flaw for name, value in (held or {}).items() for flaw in _one(stack, name, value, own)]
    names = wanted(merged)
    if names is not None:
        found += _missing(stack, names, own, held or {}) if missing else []
        found += _unwanted(stack, names, own, held or {})
    return found + _provider(own, encrypted=bool(held) and not found) + _rotated(own)


def wanted(merged: dict[str, Any]) -> frozenset[SecretName] | None:
    """The secrets that must be there; None while mode or modules cannot be read, which is told elsewhere."""
    service, modules = merged.get("service"), merged.get("modules")
    mode = service.get("environment") if isinstance(service, dict) else None
    if mode not in list(Mode) or not isinstance(modules, list):
        return None
    auth = service.get("auth") if isinstance(service, dict) else None
    webhook = isinstance(auth, dict) and auth.get("clerk_webhook") is True
    known = [Module(name) for name in modules if name in list(Module)]
    measuring = merged.get("monitoring")
    store, told = _store(merged.get("backups")), _told(measuring)
    also = _grafana(measuring) | _headers(merged.get("tracing"))
    return required(Mode(mode), known, webhook=webhook, store=store, told=told, also=also)


def _store(backups: Any) -> StoreKind | None:
    """Who keeps the backups; None where there are none, and the default where it cannot be read."""
    if not isinstance(backups, dict) or backups.get("enabled") is not True:
        return None
    store = backups.get("store")
    kind = store.get("kind") if isinstance(store, dict) else None
    return StoreKind(kind) if kind in list(StoreKind) else StoreKind.CLUSTER


def _headers(tracing: Any) -> frozenset[SecretName]:
    """The headers that the collector of traces wants, as far as it can be read whether it does."""
    wanted = isinstance(tracing, dict) and tracing.get("enabled") is True and tracing.get("headers") is True
    return frozenset({SecretName.OTLP_HEADERS}) if wanted else frozenset()


def _told(monitoring: Any) -> list[Receiver]:
    """By which ways alerts are told, as far as that can be read."""
    if not isinstance(monitoring, dict) or monitoring.get("enabled") is not True:
        return []
    ways = {Receiver.SLACK: "channel", Receiver.EMAIL: "to", Receiver.HEARTBEAT: "every_minutes"}
    held = monitoring.get("receivers")
    named = {way: held.get(way.value) for way in ways} if isinstance(held, dict) else {}
    return [way for way, found in named.items() if isinstance(found, dict) and found.get(ways[way])]


def _grafana(monitoring: Any) -> frozenset[SecretName]:
    """The secrets of Grafana, as far as it can be read whether there is one."""
    held = monitoring.get("grafana") if isinstance(monitoring, dict) else None
    if not isinstance(held, dict) or monitoring.get("enabled") is not True or held.get("enabled") is not True:
        return frozenset()
    oidc = held.get("oidc")
    return of_grafana(provider=isinstance(oidc, dict) and bool(oidc.get("client_id")))


def _one(stack: StackName, name: str, value: Any, own: Layer) -> list[Flaw]:
    path, remedy = (
        (SECRETS, name),
        f"take a new value, this one has been seen: {make_secret(str(stack), name)}",
    )
    if name not in NAMES:
        return [_unknown(name, value, own)]
    if value is None:
        return [own.flaw(path, MISSING_SECRET, "has no value", make_secret(str(stack), name))]
    if not is_encrypted(value):
        return [own.flaw(path, "plain-secret", "is not encrypted", remedy)]
    if not CIPHERTEXT.fullmatch(value["secure"]):
        what = "is not encrypted: what stands after secure: is not a ciphertext of Pulumi (v1:…)"
        return [own.flaw(path, "plain-secret", what, remedy)]
    return []


def _unknown(name: str, value: Any, own: Layer) -> Flaw:
    """A name alone, or with a colon in it, may be a secret that was written where its name should stand."""
    what = f"unknown key{messages.near_miss(name, NAMES)}"
    flaw = own.flaw((SECRETS, name), "unknown-key", what, f"known keys here: {', '.join(NAMES)}")
    before, colon, _ = name.partition(":")
    if value is not None and not colon:
        return flaw
    key = own.key((SECRETS, before if before in NAMES else MASK))
    return replace(flaw, key=key, what="unknown key: it has no value, or no space after its colon")


def _missing(stack: StackName, wanted: frozenset[SecretName], own: Layer, held: dict[str, Any]) -> list[Flaw]:
    return [
        own.flaw((SECRETS, name.value), MISSING_SECRET, "is missing", make_secret(str(stack), name.value))
        for name in SecretName
        if name in wanted and name.value not in held
    ]


def _unwanted(
    stack: StackName, wanted: frozenset[SecretName], own: Layer, held: dict[str, Any]
) -> list[Flaw]:
    """A development token opens the service outside development: it may not even be there."""
    name = SecretName.DEV_TOKEN
    if name not in held or name in wanted:
        return []
    what = "a development token is set, and service.environment is not development"
    remedy = f"take it out: pulumi config rm --path slipway:{SECRETS}.{name} -s {stack}"
    return [own.flaw((SECRETS, name.value), "development-token", what, remedy)]


def wrong_provider(given: Any) -> tuple[str, str] | None:
    """What is wrong with a secrets provider, and the remedy; None for one that Pulumi knows."""
    form = PROVIDER.fullmatch(given) if isinstance(given, str) else None
    if given == PASSPHRASE or (form and form["scheme"] in SCHEMES):
        return None
    schemes = ", ".join(f"{scheme}://" for scheme in SCHEMES)
    scheme = given.partition(":")[0] if isinstance(given, str) else ""
    guess = messages.close(scheme, [*SCHEMES, PASSPHRASE])
    hint = f"; did you mean {guess}{'' if guess == PASSPHRASE else '://'}?" if guess else ""
    shown = messages.quote(given, quoted=False)
    what = f"{shown} is neither {PASSPHRASE} nor begins with one of {schemes}{hint}"
    return what, "for example awskms://alias/slipway?region=ap-northeast-2"


def _provider(own: Layer, *, encrypted: bool) -> list[Flaw]:
    """What Pulumi decrypts with: a passphrase's salt, or a key service and its encrypted key."""
    file, top = own.document, own.document.data
    given = top.get("secretsprovider", PASSPHRASE)
    if told := wrong_provider(given):
        return [file.flaw(("secretsprovider",), "secrets-provider", *told)]
    wanted = "encryptionsalt" if given == PASSPHRASE else "encryptedkey"
    if wanted in top and (what := _wrong_key(wanted, top[wanted])):
        remedy = "bring the line back from the file's history, or make the secrets anew: slipway init"
        return [file.flaw((wanted,), "missing-key", what, remedy)]
    if encrypted and wanted not in top:
        by = f"secretsprovider: {messages.quote(given, quoted=False)}"
        what = f"is missing, and without it no secret of this file can be read ({by})"
        remedy = "bring the line back from the file's history, or make the secrets anew: slipway init"
        return [Flaw(file.file, "missing-key", what, remedy, key=wanted)]
    return []


def _wrong_key(name: str, value: Any) -> str | None:
    """What is wrong with the salt or the encrypted key; their values are never shown."""
    if not isinstance(value, str):
        return f"is {messages.kind(value)}, and text that Pulumi wrote is wanted"
    if name == "encryptionsalt" and not SALT.fullmatch(value):
        return "is not what Pulumi writes (v1:…:v1:…:…)"
    return None


def _rotated(own: Layer) -> list[Flaw]:
    """The dates that ``slipway secrets list`` shows."""
    dates = own.data.get(ROTATED, {})
    if not isinstance(dates, dict):
        what, remedy = "is not a mapping of secrets to dates", "take it out; slipway secrets writes it"
        return [own.flaw((ROTATED,), "wrong-type", what, remedy)]
    found, misread = [], dict(own.misread())
    for name, day in dates.items():
        if name not in NAMES:
            what = f"unknown key{messages.near_miss(name, NAMES)}"
            found.append(own.flaw((ROTATED, name), "unknown-key", what, "take it out"))
        elif (made := parse_day(day)) is None:
            found.append(own.flaw((ROTATED, name), "wrong-form", "is not a date", 'for example "2026-03-01"'))
        elif made > datetime.now(UTC).date() + timedelta(days=1):  # somewhere it may be tomorrow already
            what = f"{day} is a day to come, and a secret was made in the past"
            remedy = "write the day on which it was made, or take it out"
            found.append(own.flaw((ROTATED, name), "out-of-range", what, remedy))
        elif (ROTATED, name) in misread:
            found.append(misread[ROTATED, name])
    return found


def parse_day(text: Any) -> date | None:
    """An ISO date (2026-03-01); None for anything else."""
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        return None
