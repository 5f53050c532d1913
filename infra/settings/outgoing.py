"""Every address outside the stack that its settings name: who opens a connection to which host and port."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from infra.settings.backups import StoreKind
from infra.settings.config import StackConfig
from infra.settings.monitoring import Receiver

Key = tuple[str, ...]
HTTPS = 443
PORTS = {"http": 80, "https": HTTPS}
IN_CLUSTER = re.compile(r"[a-z0-9-]+\.(?P<namespace>[a-z0-9-]+)\.svc(\.cluster\.local)?\.?", re.IGNORECASE)


class Caller(StrEnum):
    """Which part of the stack opens the connection?"""

    SERVICE = "service"
    BACKUPS = "backups"
    ALERTMANAGER = "alertmanager"
    GRAFANA = "grafana"


@dataclass(frozen=True)
class Named:
    """``host`` and ``port`` as the value at ``key`` names them."""

    caller: Caller
    key: Key
    host: str
    port: int

    @property
    def namespace(self) -> str | None:
        """The namespace of a Service of the cluster; None for any other host."""
        found = IN_CLUSTER.fullmatch(self.host)
        return found["namespace"].lower() if found else None


def named(settings: StackConfig) -> tuple[Named, ...]:
    """Those that this stack uses, in the order of its keys; a secret's address is none of them."""
    mail = settings.monitoring.receivers.email.smarthost
    sent = [(Caller.ALERTMANAGER, ("monitoring", "receivers", "email", "smarthost"), mail)]
    reached = [(Caller.SERVICE, ("network", "reaches"), address) for address in settings.network.reaches]
    found = [Named(caller, key, *_url(url)) for caller, key, url in _urls(settings) if url]
    for caller, key, address in (*(sent if Receiver.EMAIL in settings.monitoring.told else ()), *reached):
        if address:
            found.append(Named(caller, key, *_host_port(address)))
    return tuple(found)


def _urls(settings: StackConfig) -> Iterator[tuple[Caller, Key, str | None]]:
    yield Caller.SERVICE, ("service", "auth", "jwks_url"), settings.service.auth.jwks_url
    if settings.tracing.enabled:
        yield Caller.SERVICE, ("tracing", "endpoint"), settings.tracing.endpoint
    store = settings.backups.store
    if settings.backups.enabled and store.kind is StoreKind.S3:
        yield Caller.BACKUPS, ("backups", "store", "endpoint"), store.endpoint
    monitoring = settings.monitoring
    if monitoring.enabled and monitoring.grafana.enabled and monitoring.grafana.oidc.client_id:
        for name in ("token_url", "api_url"):  # auth_url is opened by browsers alone
            key = ("monitoring", "grafana", "oidc", name)
            yield Caller.GRAFANA, key, getattr(monitoring.grafana.oidc, name)


def _url(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORTS[parts.scheme]


def _host_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host, int(port)
