"""What a release must answer before it gets traffic, as data: modules declare it and ``app.smoke`` asks.

A check only reads, and as an identity to which nothing belongs (CHECKS_PREFIX in app/core/auth/users.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app import contract
from app.core.auth.users import NOBODY
from app.settings import Settings

JSON_NAMES: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}
MISSING: Final = object()
UNKNOWN_VERSION = "unknown"
SHOWN = 60  # characters of a value


@dataclass(frozen=True)
class Check:
    """One GET. ``expected`` gives a JSON type or the very value by path of keys: "checks.database", "0.name",
    "" for the whole body. ``anonymous``: sent without a token. Not ``repeated``: asked only once, where an
    answer is large or counts against an address."""

    name: str
    path: str
    expected: Mapping[str, Any]
    status: int = 200
    anonymous: bool = False
    repeated: bool = True


def core_checks(settings: Settings) -> tuple[Check, ...]:
    """What every release answers, whichever modules it has. The version must be VERSION's, where that is
    told: answers of another version would prove nothing."""
    version = str if settings.version == UNKNOWN_VERSION else settings.version
    alive = {"checks.database": "up", "version": version}
    refused = {"error_code": "ERR_1100", "message": str, "trace_id": str, "details": dict}
    described = {"openapi": str, "paths": dict, "info.version": version}
    return (
        *((Check("health", contract.HEALTH_PATH, alive),) if settings.enable_health_check else ()),
        Check("readiness", contract.READINESS_PATH, {"status": "ready", "reasons": []}),
        Check("document", "/openapi.json", described, repeated=False),
        Check("refusal", "/auth/me", refused, status=401, anonymous=True, repeated=False),
        Check("identity", "/auth/me", {"role": "user", "id": str(NOBODY)}),
        Check("batch jobs", "/api/batch/jobs", {"items": [], "total": 0}),
    )


def unmet(expected: Mapping[str, Any], body: Any) -> str | None:
    """What of a body is not as expected, None where all is. Of its content only such a single value is told
    as the check names itself."""
    for path, wanted in expected.items():
        found, name = value_at(body, path), path or "the body"
        kind = wanted if isinstance(wanted, type) else type(wanted)
        if found is MISSING:
            return f"{name} is missing"
        if type(found) is not kind:
            return f"{name} is {JSON_NAMES[type(found)]}, not {JSON_NAMES[kind]}"
        if not isinstance(wanted, type) and found != wanted:
            return f"{name} is {told(found)}, not {told(wanted)}"
    return None


def value_at(body: Any, path: str) -> Any:
    """The value under a path of keys and places, MISSING where there is none."""
    for key in path.split(".") if path else ():
        if isinstance(body, dict):
            body = body.get(key, MISSING)
        elif isinstance(body, list) and key.isdigit() and int(key) < len(body):
            body = body[int(key)]
        else:
            return MISSING
    return body


def told(value: Any) -> str:
    """A single value as it is; of a list or an object how much it holds."""
    if isinstance(value, list | dict):
        return f"{JSON_NAMES[type(value)]} of {len(value)}"
    return repr(value)[:SHOWN]
