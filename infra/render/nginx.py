"""nginx.conf of a plain nginx in front of the cluster (nginx.org, "Alphabetical index of directives", 1.22).

What it tells the service of a client is what the service believes: docs/ingress.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from infra.render import monitoring, service
from infra.render.environment import render
from infra.settings.model import Settings

FILE = "nginx.conf"
MARK = "Rendered by slipway nginx render"
UPSTREAM_IDLE_SECONDS = 60  # less than the service's own 75, after which it closes a connection
CONNECT_SECONDS = 2
# Short: who refused because it restarts is asked again before the next one's drain is over.
FAIL_SECONDS = 1
TRIES = 2  # the service may be down, and then everybody would ask it once for each of its addresses
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
INSIDE = (service.READINESS_PATH, service.LIVENESS_PATH, monitoring.METRICS_PATH)
NOT_A_CLIENTS = ("Forwarded", "traceparent", "tracestate")
# As the service sends them with its own answers: app/core/middleware/headers.py.
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "Referrer-Policy": "strict-origin-when-cross-origin",
        "X-XSS-Protection": "1; mode=block",
    }
)
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-CHACHA20-POLY1305",
    "ECDHE-RSA-CHACHA20-POLY1305",
)


@dataclass(frozen=True)
class Place:
    """Where things lie and where it listens; by default those of Debian's package. ``user`` None: whoever
    starts it, who is not root then."""

    user: str | None = "www-data"
    run: str = "/run"
    log: str = "/var/log/nginx"
    state: str = "/var/lib/nginx"
    challenges: str = "/var/www/html"  # certbot's webroot
    addresses: tuple[str, ...] = ("*", "[::]")
    http: int = 80
    https: int = 443


MACHINE = Place()


@dataclass(frozen=True)
class Files:
    """The certificate with its chain, and its key, as nginx' machine has them."""

    certificate: str
    key: str


def certificate(settings: Settings) -> Files:
    """As named, or where certbot puts those of the first host."""
    nginx, host = settings.ingress.nginx, settings.ingress.hosts[0]
    usual = f"/etc/letsencrypt/live/{host}"
    return Files(
        nginx.certificate or f"{usual}/fullchain.pem", nginx.certificate_key or f"{usual}/privkey.pem"
    )


def text(
    settings: Settings,
    place: Place = MACHINE,
    tls: Files | None = None,
    upstreams: tuple[str, ...] | None = None,
) -> str:
    """nginx.conf of a stack with kind nginx and a host. ``tls``, ``upstreams``: others than the stack's."""
    ingress, own = settings.ingress, tls or certificate(settings)
    return render(
        f"nginx/{FILE}.j2",
        mark=MARK,
        stack=settings.stack,
        place=place,
        hosts=ingress.hosts,
        certificate=own.certificate,
        key=own.key,
        upstreams=upstreams or ingress.nginx.upstreams,
        trusted=settings.service.trusted_proxies,
        body=ingress.body_limit_megabytes,
        body_seconds=settings.service.body_seconds,
        timeout=ingress.timeout_seconds,
        rate=ingress.nginx.requests_per_second,
        fail_seconds=FAIL_SECONDS,
        idle_seconds=UPSTREAM_IDLE_SECONDS,
        connect_seconds=CONNECT_SECONDS,
        tries=TRIES,
        temporary=TEMPORARY,
        ciphers=CIPHERS,
        headers=HEADERS,
        not_a_clients=NOT_A_CLIENTS,
        health=service.HEALTH_PATH,
        inside=INSIDE,
    )
