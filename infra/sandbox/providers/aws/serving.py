"""Where this plugin works: on servers of this machine, by the endpoints of the provider resource."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from infra.errors import UserError
from infra.sandbox.providers.aws import VERSION
from infra.sandbox.providers.shared.urns import stack_of
from infra.sandbox.providers.shared.values import UNKNOWN, Object

SERVICES = ("s3", "iam")
# Written out rather than resolved: what reads as this machine is this machine, for every parser of URLs.
LOOPBACK = re.compile(r"https?://(127(\.\d{1,3}){3}|localhost|\[::1\]):\d{1,5}/?")
HEEDED = frozenset({"region", "accessKey", "secretKey", "token", "endpoints", "version"})
# They spare the official plugin a look at AWS itself; this one never looks there.
WITHOUT_EFFECT = frozenset(
    {
        "s3UsePathStyle",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
    }
)
NOBODY = "testing"  # a moto server that does not enforce policies takes any key; the user's own is never read


@dataclass(frozen=True)
class Settings:
    """endpoints: URL by service. The key is the provider's own, never one of the machine's."""

    region: str = "us-east-1"
    endpoints: Object = field(default_factory=dict)
    access_key: str = NOBODY
    secret_key: str = field(default=NOBODY, repr=False)
    token: str | None = field(default=None, repr=False)


def settings_of(inputs: Object) -> Settings:
    """The settings of provider inputs."""
    return Settings(
        region=_known(inputs, "region") or Settings.region,
        endpoints=_endpoints(inputs),
        access_key=_known(inputs, "accessKey") or NOBODY,
        secret_key=_known(inputs, "secretKey") or NOBODY,
        token=_known(inputs, "token") or None,
    )


def problems(inputs: Object) -> dict[str, str]:
    """Inputs that this plugin cannot honour, with the reason."""
    why = "the sandbox's plugin does not heed it; leave it out"
    return {key: why for key in inputs if key not in HEEDED | WITHOUT_EFFECT}


def foreign(inputs: Object) -> str:
    """Why these inputs do not lead to servers on this machine; empty where they do."""
    if inputs.get("endpoints") == UNKNOWN:
        return "its endpoints are not known yet"
    endpoints = _endpoints(inputs)
    for service, url in {**dict.fromkeys(SERVICES), **endpoints}.items():
        if not url:
            return f"without an endpoint for {service} it would ask AWS itself"
        if not (isinstance(url, str) and LOOPBACK.fullmatch(url)):
            return f"its endpoint for {service} leads to {url}"
    return ""


def require(urn: str, foreign: str) -> None:
    """Raise UserError unless ``foreign`` (why the provider leads elsewhere) is empty."""
    if not foreign:
        return
    plugin = "pulumi-resource-aws on PATH is the sandbox's plugin"
    what = f"{plugin}, which serves a moto server on this machine only; {foreign}"
    remedy = (
        f"install the official plugin, pulumi plugin install resource aws {VERSION}, "
        "and take infra/sandbox/providers/bin off PATH"
    )
    raise UserError.of(f"stack {stack_of(urn)}", what, remedy)


def _known(inputs: Object, key: str) -> str:
    value = inputs.get(key)
    return value if isinstance(value, str) and value != UNKNOWN else ""


def _endpoints(inputs: Object) -> Object:
    """The URLs by service: the SDK sends a list of mappings, as JSON."""
    given: Any = inputs.get("endpoints") or []
    try:
        listed = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        return {"endpoints": given}  # no URL of this machine: refused by that
    found: Object = {}
    for part in listed if isinstance(listed, list) else [listed]:
        found |= part if isinstance(part, dict) else {"endpoints": part}
    return found
