"""Section ``network``: who may open a connection to whom beside what follows from the stack's own parts."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from infra.settings import access
from infra.settings.base import ListRule, Section, merged_by

Port = Annotated[int, Field(ge=1, le=65_535, examples=[6443])]
# A name with a dot in it, or an IPv4 address, and a port.
Address = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)+"
        rf":({access.HOST_PORT})$",
        max_length=259,
        examples=["api.example.com:443"],
    ),
]
NAMESPACE = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
NamespaceName = Annotated[str, Field(pattern=NAMESPACE, examples=["shop-prod"])]


class Network(Section):
    """NetworkPolicies: every pod of the stack reaches what it must reach, and nothing else."""

    policies: bool = Field(
        True,
        description="Whether NetworkPolicies close every connection that the stack does not declare; the "
        "cluster's network must enforce them.",
    )
    reaches: tuple[Address, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.UNION), "uniqueItems": True},
        description="Addresses HOST:PORT that the service opens connections to beside those that other keys "
        "name; <service>.<namespace>.svc opens that namespace.",
    )
    callers: tuple[NamespaceName, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.UNION), "uniqueItems": True},
        description="Namespaces whose pods call the service inside the cluster.",
    )
    ingress_namespace: str = Field(
        "ingress-nginx",
        pattern=NAMESPACE,
        description="Namespace of the ingress controller or of the Gateway's proxies, which alone reach what "
        "has a host.",
        examples=["ingress-nginx"],
    )
    prometheus_namespace: str = Field(
        "monitoring",
        pattern=NAMESPACE,
        description="Namespace of the cluster's own Prometheus, which reads the stack where it runs none.",
        examples=["monitoring"],
    )
    pod_networks: tuple[access.Network, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Networks of the cluster's pods and Services: what is in none of them is outside. "
        "Without them private addresses count as inside, and nothing outside is reached at one.",
    )
    node_networks: tuple[access.Network, ...] = Field(
        (),
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Networks of the nodes and the API server, for the parts that ask them; without them "
        "those parts reach the same ports anywhere.",
    )
    api_ports: tuple[Port, ...] = Field(
        (443, 6443),
        min_length=1,
        json_schema_extra={**merged_by(ListRule.REPLACE), "uniqueItems": True},
        description="Ports of the API server itself, to which its Service leads.",
    )
