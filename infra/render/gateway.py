"""Objects of Gateway API v1 (gateway-api.sigs.k8s.io, "API specification"): a Gateway of the stack's own,
the route to a Service, and the route that sends plain requests on to https. Where TLS is, is the Gateway's
matter; the standard has time-outs, and no field for the size of a body.
"""

from __future__ import annotations

from typing import Any

from infra.settings.ingress import Ingress

GROUP = "gateway.networking.k8s.io"
API_VERSION = f"{GROUP}/v1"
PLAIN = "http"  # the listener of the stack's own Gateway; those for HTTPS are called as their hosts
# The one status of a redirect that every implementation knows and browsers keep.
MOVED = 301

Data = dict[str, Any]


def gateway(settings: Ingress, certificate: str | None) -> Data:
    """The specification of the stack's own Gateway. ``certificate``: the Secret, which every host shares."""
    listeners: list[Data] = [{"name": PLAIN, "port": 80, "protocol": "HTTP"}]
    if certificate is not None:
        tls = {"mode": "Terminate", "certificateRefs": [{"kind": "Secret", "name": certificate}]}
        listeners += [
            {"name": host, "hostname": host, "port": 443, "protocol": "HTTPS", "tls": tls}
            for host in settings.hosts
        ]
    routes = {"namespaces": {"from": "Same"}}
    return {
        "gatewayClassName": settings.class_name,
        "listeners": [{**listener, "allowedRoutes": routes} for listener in listeners],
    }


def route(settings: Ingress, own: str, service: str, port: int) -> Data:
    """The specification of the route to ``service``; ``own`` is the name of the stack's Gateway."""
    return {
        "parentRefs": _parents(settings, own),
        "hostnames": list(settings.hosts),
        "rules": [
            {
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": service, "port": port}],
                "timeouts": {"request": f"{settings.timeout_seconds}s"},
            }
        ],
    }


def redirect(settings: Ingress, own: str) -> Data | None:
    """The specification of the route from http to https; None where nothing listens for plain HTTP, or
    nothing for HTTPS."""
    listener = settings.gateway.http_listener if settings.shared else PLAIN
    if listener is None or not settings.encrypted:
        return None
    moved = {"scheme": "https", "statusCode": MOVED}
    return {
        "parentRefs": [_parent(settings, own, listener)],
        "hostnames": list(settings.hosts),
        "rules": [{"filters": [{"type": "RequestRedirect", "requestRedirect": moved}]}],
    }


def _parents(settings: Ingress, own: str) -> list[Data]:
    """By listener, since a route without one would answer plain requests too."""
    if settings.shared:
        return [_parent(settings, own, settings.gateway.https_listener)]
    names = settings.hosts if settings.encrypted else (PLAIN,)
    return [_parent(settings, own, name) for name in names]


def _parent(settings: Ingress, own: str, listener: str | None) -> Data:
    there = settings.gateway
    named: Data = {"name": there.name or own}
    if there.name and there.namespace:
        named["namespace"] = there.namespace
    return {**named, "sectionName": listener} if listener else named
