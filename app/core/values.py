"""What the settings' values must be: strong secrets, whole addresses, limits, networks."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

PLACEHOLDERS = (
    "changeme",
    "change-me",
    "change_me",
    "your-secret",
    "your_secret",
    "secret-key",
    "secret_key",
    "example",
    "placeholder",
    "password",
    "insecure",
)
LEAST_MASKED = 6  # shorter values would mask innocent words
LEAST_DISTINCT = 8  # "aaaa…" is long enough and still no secret
WEBHOOK_PREFIX = "whsec_"
LEAST_WEBHOOK_KEY = 24  # bytes
ROUTE_LIMIT = re.compile(r"(/[^=,\s]*)=(\d{1,9})/(\d{1,9})/(\d{1,9})")
PAIR_NAME = re.compile(r"[A-Za-z0-9!#$&'*+.^_|~-]+")  # of a header, RFC 9110 §5.6.2
Network = IPv4Network | IPv6Network


class Limits(NamedTuple):
    """Requests that one principal may make in a sliding minute, hour and day."""

    minute: int
    hour: int
    day: int


def split(value: Any) -> Any:
    """Text with commas as a tuple of its parts; anything else as it is."""
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip()) if isinstance(value, str) else parts


def networks(value: tuple[str, ...]) -> tuple[str, ...]:
    """The networks in their own notation. Raises ValueError naming every part that is none."""
    return tuple(str(network) for network in _each(value, ip_network, "is no network"))


def route_limits(parts: tuple[str, ...]) -> dict[str, Limits]:
    """{"/api/ask": Limits(10, 100, 1000)} of ("/api/ask=10/100/1000",). Raises ValueError."""

    def one(part: str) -> tuple[str, Limits]:
        found = ROUTE_LIMIT.fullmatch(part)
        limits = Limits(*map(int, found.groups()[1:])) if found else None
        if found is None or limits is None or min(limits) < 1:
            raise ValueError
        return found[1], limits

    return dict(_each(parts, one, "is no limit of the form /path=MINUTE/HOUR/DAY"))


def _each(parts: tuple[str, ...], read: Callable[[str], Any], complaint: str) -> list[Any]:
    made, wrong = [], []
    for part in parts:
        try:
            made.append(read(part))
        except ValueError:
            wrong.append(repr(part))
    if wrong:
        raise ValueError(f"{', '.join(wrong)} {complaint}")
    return made


def address_secrets(address: str) -> tuple[str, ...]:
    """The address, and its password as it is written and as it is meant."""
    try:
        password = urlsplit(address).password or ""
    except ValueError:
        password = ""
    return tuple(value for value in (address, password, unquote(password)) if len(value) >= LEAST_MASKED)


def refuse_weak(secret: str, least: int) -> None:
    """Raises ValueError where the secret is short, a placeholder or of too few different characters."""
    if len(secret) < least:
        raise ValueError(f"has {len(secret)} characters; at least {least} are needed")
    if is_placeholder(secret):
        raise ValueError("is a placeholder, not a secret")
    if len(set(secret)) < LEAST_DISTINCT:
        raise ValueError(f"has fewer than {LEAST_DISTINCT} different characters")


def is_placeholder(secret: str) -> bool:
    """Whether the text was copied from documentation rather than made."""
    return any(word in secret.lower() for word in PLACEHOLDERS)


def check_address(address: str, schemes: tuple[str, ...], environment: str | None) -> None:
    """Raises ValueError where the address has another scheme, no host or no port number, or a placeholder
    for a password outside development."""
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname or parts.path) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme not in schemes or not named:
        raise ValueError(f"is no address of the form {schemes[0]}://user:password@host:port/name")
    if (
        environment in {"staging", "production"}
        and parts.password
        and is_placeholder(unquote(parts.password))
    ):
        raise ValueError("holds a placeholder for a password")


def check_keys_url(address: str, environment: str | None) -> None:
    """Raises ValueError where keys cannot be fetched from there, or outside development not safely."""
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme not in {"https", "http"} or not named or "@" in parts.netloc:
        raise ValueError("is no address of the form https://host/path")
    if parts.scheme == "http" and environment in {"staging", "production"}:
        raise ValueError("is not https: whoever is on the way could put in keys of their own")


def check_collector(address: str) -> None:
    """Raises ValueError where no collector can be there: OTLP over HTTP, without a user, a query or a
    fragment in the address."""
    try:
        parts = urlsplit(address)
        named = bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        raise ValueError("is no address") from None
    if parts.scheme not in {"https", "http"} or not named or "@" in parts.netloc:
        raise ValueError("is no address of the form https://host:4318")
    if parts.query or parts.fragment:
        raise ValueError("ends with a query or a fragment; /v1/traces is appended to it")


def pairs(text: str) -> dict[str, str]:
    """{name: value} of name=value separated by commas, values percent-encoded (OpenTelemetry's form of
    headers and resource attributes). Raises ValueError where a part is no pair; the part is not told."""
    found = {}
    for number, part in enumerate(filter(str.strip, text.split(",")), 1):
        name, sign, value = part.partition("=")
        if not sign or not PAIR_NAME.fullmatch(name.strip()) or not value.strip().isprintable():
            raise ValueError(f"has a part, number {number}, that is not name=value")
        found[name.strip()] = unquote(value.strip())
    return found


def check_webhook_secret(secret: str) -> None:
    """Raises ValueError where this is not whsec_ and the base64 of enough bytes (Standard Webhooks 1.0)."""
    try:
        key = base64.b64decode(secret.removeprefix(WEBHOOK_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not secret.startswith(WEBHOOK_PREFIX) or len(key) < LEAST_WEBHOOK_KEY:
        raise ValueError(f"is not {WEBHOOK_PREFIX} and base64 of at least {LEAST_WEBHOOK_KEY} bytes")
