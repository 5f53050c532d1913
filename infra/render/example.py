"""`.env.example`: every variable that the service reads, with its meaning and its value in development."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass

from infra.render import keys, service
from infra.render.environment import render
from infra.render.keys import Key
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

WIDTH = 108
MAKE = "make one: python3 -c 'import secrets; print(secrets.token_urlsafe(48))'"
SECRETS = {  # the passwords are read by docker-compose.dev.yml alone, which makes the addresses of them
    service.SECRET_KEY: SecretName.SECRET_KEY.meaning,
    service.DEV_TOKEN: SecretName.DEV_TOKEN.meaning,
    "POSTGRES_PASSWORD": "Password of PostgreSQL's superuser; nothing but the database itself uses it.",
    "POSTGRES_OWNER_PASSWORD": SecretName.POSTGRES_OWNER_PASSWORD.meaning,
    "POSTGRES_SERVICE_PASSWORD": SecretName.POSTGRES_SERVICE_PASSWORD.meaning,
    "REDIS_PASSWORD": SecretName.REDIS_PASSWORD.meaning,
}
ADDRESSES = {
    service.DATABASE_URL: "postgresql://user:password@host:5432/name",
    service.REDIS_URL: "redis://:password@host:6379/0",
}
MEANINGS = {
    "HOST": "Address that a service started by hand listens on; in its container it is every address.",
    "PORT": "Port of the service on this machine.",
    "VERSION": "What /health reports.",
    "OTEL_SERVICE_NAME": "Whose the spans are, in the collector.",
    "OTEL_RESOURCE_ATTRIBUTES": "What else is said of whose they are: name=value separated by commas.",
}


@dataclass(frozen=True)
class Entry:
    """One variable, and the lines above it."""

    name: str
    value: str
    comment: list[str]


def text(settings: Settings) -> str:
    """The file."""
    return render("compose/env.example.j2", groups=list(_groups(settings)))


def _groups(settings: Settings) -> Iterator[tuple[str, list[Entry]]]:
    """The variables by what they are about."""
    yield (
        "Secrets: nothing starts while one of these is empty",
        [Entry(name, "", [meaning, MAKE]) for name, meaning in SECRETS.items()],
    )
    yield (
        "Addresses: docker-compose.dev.yml makes them of the passwords; a service started by hand needs them",
        [Entry(name, "", [f"for example {form}"]) for name, form in ADDRESSES.items()],
    )
    webhook = SecretName.CLERK_WEBHOOK_SECRET.meaning
    yield "Given by the identity provider", [Entry(service.CLERK_WEBHOOK_SECRET, "", [webhook])]
    headers = SecretName.OTLP_HEADERS.meaning
    yield "Given by the operator of the collector of traces", [Entry(service.OTLP_HEADERS, "", [headers])]
    values = service.environment(settings, "dev")
    yield "The service", [Entry(name, _quoted(value), _comment(name)) for name, value in values.items()]


def _comment(name: str) -> list[str]:
    """What the variable is for, and what may stand there."""
    if name in MEANINGS:
        return [MEANINGS[name]]
    found = (value for section in keys.sections() for value in keys.values(section))
    key = next(key for key in found if key.path == service.KEYS[name])
    return textwrap.wrap(f"{key.meaning} {_allowed(key)}".strip(), WIDTH, break_on_hyphens=False)


def _allowed(key: Key) -> str:
    """As in the reference; a list's items stand side by side, with commas and without brackets."""
    if key.leaf.list_rule and not key.leaf.words:
        return f"Separated by commas, for example {key.leaf.examples[0]}"
    allowed = key.allowed()
    return f"{allowed[:1].upper()}{allowed[1:]}"


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
