"""Section ``ingress``: under which names the service is reached from outside, and its certificate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings.base import Host, ListRule, Section, merged_by

LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
# The name of an object in Kubernetes: a DNS subdomain.
Name = Annotated[str, Field(pattern=rf"^{LABEL}(\.{LABEL})*$", max_length=253)]


class Ingress(Section):
    """An Ingress for the service; none as long as no host is named."""

    hosts: tuple[Host, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Host names that lead to the service; without one it is not reached from outside.",
    )
    class_name: Name | None = Field(
        None,
        description="IngressClass; the cluster's default without it.",
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
    body_limit_megabytes: int = Field(
        10, ge=1, le=1024, description="Largest request body in megabytes that an nginx controller lets in."
    )

    @property
    def certified(self) -> tuple[str, ...]:
        """The hosts whose certificate users see."""
        return self.hosts if self.tls_secret or self.cluster_issuer else ()
