"""Rules on the way in: each kind has its own keys, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.settings.config import StackConfig
from infra.settings.ingress import Ingress, IngressKind
from infra.settings.network import Network
from infra.settings.rules.finding import Finding
from infra.settings.service import ServiceType

MOST_HOSTS = 16  # HTTPRoute, spec.hostnames
KIND = ("ingress", "kind")
GRAFANA = ("monitoring", "grafana")
# Key → the kinds that read it.
READ_BY = {
    ("class_name",): (IngressKind.INGRESS, IngressKind.GATEWAY),
    ("tls_secret",): (IngressKind.INGRESS, IngressKind.GATEWAY),
    ("cluster_issuer",): (IngressKind.INGRESS, IngressKind.GATEWAY),
    ("gateway", "name"): (IngressKind.GATEWAY,),
    ("gateway", "namespace"): (IngressKind.GATEWAY,),
    ("gateway", "https_listener"): (IngressKind.GATEWAY,),
    ("gateway", "http_listener"): (IngressKind.GATEWAY,),
    ("nginx", "upstreams"): (IngressKind.NGINX,),
    ("nginx", "certificate"): (IngressKind.NGINX,),
    ("nginx", "certificate_key"): (IngressKind.NGINX,),
    ("nginx", "requests_per_second"): (IngressKind.NGINX,),
    ("body_limit_megabytes",): (IngressKind.INGRESS, IngressKind.NGINX),  # Gateway API has no field for it
}
OF_THE_STACKS_OWN = ("class_name", "tls_secret", "cluster_issuer")
OF_THE_PLATFORMS = ("namespace", "https_listener", "http_listener")


def ingress_keys_fit_its_kind(settings: StackConfig) -> Iterator[Finding]:
    """A key of another kind would be ignored."""
    kind, unset = settings.ingress.kind, Ingress()
    for key, kinds in READ_BY.items():
        value = _at(settings.ingress, key)
        if kind not in kinds and value != _at(unset, key):
            yield Finding(
                ("ingress", *key),
                f"{_written(value)} is set, and ingress.kind is {kind}, which does not read it",
                f"leave it out, or use kind: {' or '.join(kinds)}",
                also=(KIND,),
            )


def _at(section: Any, key: tuple[str, ...]) -> Any:
    for part in key:
        section = getattr(section, part)
    return section


def _written(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def gateway_is_the_stacks_or_the_platforms(settings: StackConfig) -> Iterator[Finding]:
    """The stack's own Gateway needs a class; the platform's has its class and certificates already."""
    ingress, gateway = settings.ingress, settings.ingress.gateway
    if ingress.kind is not IngressKind.GATEWAY:
        return
    if ingress.shared:
        for key in OF_THE_STACKS_OWN:
            if value := getattr(ingress, key):
                yield _of_the_other(
                    ("ingress", key), value, f"gateway.name is {gateway.name}: that Gateway has its own"
                )
        if settings.monitoring.grafana.tls_secret:
            value = settings.monitoring.grafana.tls_secret
            yield _of_the_other(
                (*GRAFANA, "tls_secret"),
                value,
                f"ingress.gateway.name is {gateway.name}: that Gateway has its own",
            )
        return
    for key in OF_THE_PLATFORMS:
        if value := getattr(gateway, key):
            yield Finding(
                ("ingress", "gateway", key),
                f"{value} is set, and gateway.name is missing",
                "name the platform's Gateway, or leave it out",
                also=(("ingress", "gateway", "name"),),
            )
    if (ingress.hosts or settings.monitoring.grafana.host) and not ingress.class_name:
        yield Finding(
            KIND,
            "gateway, and class_name is missing: a Gateway of the stack's own needs one",
            "name the GatewayClass in ingress.class_name (kubectl get gatewayclasses lists them), or the "
            "platform's Gateway in ingress.gateway.name",
        )


def _of_the_other(key: tuple[str, ...], value: str, why: str) -> Finding:
    also = (("ingress", "gateway", "name"),)
    return Finding(key, f"{value} is set, and {why}", "keep one of the two", also=also)


def plain_requests_have_a_goal(settings: StackConfig) -> Iterator[Finding]:
    """Plain requests are sent on to https, which must be there."""
    gateway = settings.ingress.gateway
    if settings.ingress.shared and gateway.http_listener and not gateway.https_listener:
        yield Finding(
            ("ingress", "gateway", "http_listener"),
            f"{gateway.http_listener} is set, and https_listener is missing: its requests would be sent on "
            "to nobody",
            "name the listener that serves HTTPS: ingress.gateway.https_listener",
        )


def gateway_hosts_fit_a_route(settings: StackConfig) -> Iterator[Finding]:
    """An HTTPRoute names 16 hosts at most."""
    hosts = settings.ingress.hosts
    if settings.ingress.kind is IngressKind.GATEWAY and len(hosts) > MOST_HOSTS:
        yield Finding(
            ("ingress", "hosts"),
            f"{len(hosts)} hosts, and an HTTPRoute names {MOST_HOSTS} at most",
            "name fewer hosts, or use kind: ingress",
            also=(KIND,),
        )


def nginx_reaches_the_service(settings: StackConfig) -> Iterator[Finding]:
    """A machine outside the cluster reaches what has a port there, and names the client to it."""
    ingress, service = settings.ingress, settings.service
    if ingress.kind is not IngressKind.NGINX or not ingress.hosts:
        return
    if not ingress.nginx.upstreams:
        yield Finding(
            KIND,
            "nginx, and nginx.upstreams is missing: it would have nowhere to send requests to",
            "name every node with the service's port: ingress.nginx.upstreams: [10.0.0.11:30080]",
        )
    if service.type is ServiceType.CLUSTER_IP:
        yield Finding(
            KIND,
            f"nginx, and service.type is {service.type}, which is reached inside the cluster alone",
            "use service.type: NodePort, or LoadBalancer",
            also=(("service", "type"),),
        )
    if not service.trusted_proxies:
        yield Finding(
            KIND,
            "nginx, and service.trusted_proxies is missing: every client would have nginx' address",
            "name the network at which the service sees nginx: service.trusted_proxies; that of the nodes "
            "for type NodePort",
        )


def grafana_is_led_to(settings: StackConfig) -> Iterator[Finding]:
    """The nginx in front leads to the service alone."""
    grafana = settings.monitoring.grafana
    if settings.ingress.kind is IngressKind.NGINX and grafana.enabled and grafana.host:
        yield Finding(
            (*GRAFANA, "host"),
            f"{grafana.host} is set, and ingress.kind is nginx, which leads to the service alone",
            "leave it out: kubectl port-forward reaches Grafana",
            also=(KIND,),
        )


def gateways_proxies_are_named(settings: StackConfig) -> Iterator[Finding]:
    """Accepted, as a namespace may be called so; told, as policies would close the way otherwise."""
    ingress, network = settings.ingress, settings.network
    usual = Network().ingress_namespace
    through = ingress.kind is IngressKind.GATEWAY and ingress.hosts and network.policies
    if through and network.ingress_namespace == usual:
        yield Finding(
            ("network", "ingress_namespace"),
            f"{usual}, and ingress.kind is gateway: network.policies let in what comes from there alone",
            "name the namespace in which the Gateway's proxies run",
            rule="gateway-proxies-elsewhere",
        )
