"""Section ``ingress``: under which names the service is reached from outside, how, and its certificate."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from infra.settings import access
from infra.settings.base import Host, ListRule, Seconds, Section, merged_by

LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# The name of an object in Kubernetes: a DNS subdomain.
Name = Annotated[str, Field(pattern=rf"^{LABEL}(\.{LABEL})*$", max_length=253)]
Upstream = Annotated[
    str,
    Field(
        pattern=rf"^{LABEL}(\.{LABEL})*:({access.HOST_PORT})$", max_length=259, examples=["10.0.0.11:30080"]
    ),
]
Path = Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._-]+)+$", max_length=255)]


class IngressKind(StrEnum):
    """By what do requests get in?"""

    INGRESS = "ingress"
    GATEWAY = "gateway"
    NGINX = "nginx"


class SharedGateway(Section):
    """A Gateway of the platform's, which the stack's routes attach to; its listeners must allow them."""

    name: Name | None = Field(
        None,
        description="A Gateway that is there already; without it the stack makes one of its own.",
        examples=["public"],
    )
    namespace: Annotated[str, Field(pattern=f"^{LABEL}$")] | None = Field(
        None, description="Its namespace; the stack's own without it.", examples=["gateways"]
    )
    https_listener: Name | None = Field(
        None,
        description="Its listener that serves HTTPS with a certificate for the hosts.",
        examples=["https"],
    )
    http_listener: Name | None = Field(
        None,
        description="Its listener for plain HTTP, whose requests are sent on to https.",
        examples=["http"],
    )


class Nginx(Section):
    """A plain nginx on a machine in front of the cluster: slipway nginx render writes its file."""

    upstreams: tuple[Upstream, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Addresses HOST:PORT at which nginx reaches the service: every node with its "
        "service.node_port.",
    )
    certificate: Path | None = Field(
        None,
        description="File on nginx' machine with the certificate and its chain; without it certbot's of the "
        "first host.",
        examples=["/etc/nginx/tls/fullchain.pem"],
    )
    certificate_key: Path | None = Field(
        None,
        description="File on nginx' machine with the certificate's key; without it certbot's of the first "
        "host.",
        examples=["/etc/nginx/tls/privkey.pem"],
    )
    requests_per_second: int = Field(
        50,
        ge=1,
        le=100_000,
        description="Requests that nginx passes on for one address; it may be that of many clients, each of "
        "which service.rate_limit counts.",
    )


class Ingress(Section):
    """The way in; none as long as no host is named."""

    kind: IngressKind = Field(
        IngressKind.INGRESS,
        description="ingress: an Ingress; gateway: an HTTPRoute of Gateway API; nginx: a plain nginx in "
        "front of the cluster, for which the stack makes no object.",
    )
    hosts: tuple[Host, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Host names that lead to the service; without one it is not reached from outside.",
    )
    class_name: Name | None = Field(
        None,
        description="IngressClass, the cluster's default without it; with kind gateway the GatewayClass of "
        "the stack's own Gateway.",
        examples=["nginx"],
    )
    tls_secret: Name | None = Field(
        None,
        description="Secret of type kubernetes.io/tls in the namespace that holds the certificate.",
        examples=["ledger-tls"],
    )
    cluster_issuer: Name | None = Field(
        None,
        description="cert-manager ClusterIssuer that obtains the certificate, instead of tls_secret.",
        examples=["letsencrypt"],
    )
    gateway: SharedGateway = Field(SharedGateway(), description="The platform's Gateway, with kind gateway.")
    nginx: Nginx = Field(Nginx(), description="The nginx in front, with kind nginx.")
    body_limit_megabytes: int = Field(
        10,
        ge=1,
        le=1024,
        description="Largest request body in megabytes that nginx or a controller made of it lets in.",
    )
    timeout_seconds: Seconds = Field(
        60, description="Seconds in which the service must have answered; otherwise the answer is 504."
    )

    @property
    def shared(self) -> bool:
        """Whether the routes attach to a Gateway of the platform's."""
        return self.kind is IngressKind.GATEWAY and self.gateway.name is not None

    @property
    def certifies_any(self) -> bool:
        """Whether any host gets a certificate: from cert-manager, or at the platform's Gateway."""
        return bool(self.gateway.https_listener if self.shared else self.cluster_issuer)

    @property
    def encrypted(self) -> bool:
        """Whether users reach the hosts by https."""
        return self.kind is IngressKind.NGINX or bool(self.tls_secret) or self.certifies_any

    @property
    def certified(self) -> tuple[str, ...]:
        """The hosts whose certificate users see."""
        return self.hosts if self.encrypted else ()
