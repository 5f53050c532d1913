"""Rules on the network: what settings name outside the stack is outside it."""

from __future__ import annotations

from collections.abc import Iterator

from infra.names import LOGS_SUFFIX
from infra.settings import outgoing
from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.service import ServiceType
from infra.settings.stack import Environment


def named_hosts_are_elsewhere(settings: StackConfig) -> Iterator[Finding]:
    """The stack's own namespaces hold its parts alone, whose connections are declared already."""
    if not settings.network.policies:
        return
    own = {settings.namespace_name, f"{settings.namespace_name}{LOGS_SUFFIX}"}
    for found in outgoing.named(settings):
        if found.namespace in own or "." not in found.host:  # a short name is looked for there first
            yield Finding(
                found.key,
                f"{found.host} is in the stack's own namespace, where network.policies opens nothing for it",
                "name a Service of another namespace, for example collector.observability.svc, or a whole "
                "host name",
                also=(("network", "policies"),),
            )


def network_is_open(settings: StackConfig) -> Iterator[Finding]:
    """Accepted, as a platform may have policies of its own for the namespace; told in production."""
    if settings.stack.environment is Environment.PROD and not settings.network.policies:
        yield Finding(
            ("network", "policies"),
            f"false, and {settings.stack} is a production stack: any pod of the cluster reaches its database",
            "use true, and name what is missing: network.reaches, network.callers",
            rule="network-left-open",
        )


def service_is_called(settings: StackConfig) -> Iterator[Finding]:
    """Accepted, as kubectl port-forward reaches it; in production somebody else should."""
    service, network = settings.service, settings.network
    closed = network.policies and not (settings.ingress.hosts or network.callers)
    if settings.stack.environment is Environment.PROD and closed and service.type is ServiceType.CLUSTER_IP:
        yield Finding(
            ("network", "callers"),
            "nobody is named who may call the service, and it has no host: only kubectl port-forward "
            "reaches it",
            "name a host, or the namespaces that call it: ingress.hosts, network.callers",
            rule="service-called-by-nobody",
        )
