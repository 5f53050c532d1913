"""Section ``monitoring.grafana``: whether the dashboards are served, under which name, and who may look."""

from __future__ import annotations

from pydantic import Field

from infra.settings.access import Url
from infra.settings.base import Host, Resources, Section
from infra.settings.ingress import Name


class Oidc(Section):
    """The identity provider (OpenID Connect); its client's secret is the secret ``grafanaClientSecret``."""

    client_id: str | None = Field(
        None,
        pattern=r"^[!-~]{1,200}$",
        description="Grafana's name at the provider; without it people log in as admin with a password.",
        examples=["grafana"],
    )
    auth_url: Url | None = Field(
        None,
        description="Where the provider asks people who they are (authorization_endpoint).",
        examples=["https://id.example.com/authorize"],
    )
    token_url: Url | None = Field(
        None,
        description="Where Grafana fetches a token (token_endpoint).",
        examples=["https://id.example.com/token"],
    )
    api_url: Url | None = Field(
        None,
        description="Where Grafana reads name and address of who logged in (userinfo_endpoint).",
        examples=["https://id.example.com/userinfo"],
    )
    scopes: str = Field(
        "openid profile email",
        pattern=r"^openid( [!-~]{1,100}){0,20}$",
        description="What Grafana asks the provider for, separated by blanks.",
        examples=["openid profile email groups"],
    )
    admin_group: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9._:/-]{1,100}$",
        description="Members of this group (claim groups) are admins of Grafana; everybody else only looks.",
        examples=["platform"],
    )


class Grafana(Section):
    """Grafana with the stack's own dashboards; nobody gets in without a name."""

    enabled: bool = Field(
        False, description="Whether Grafana serves the dashboards; slipway dashboards draws them without it."
    )
    host: Host | None = Field(
        None,
        description="Host name that leads to it; without one it is reached by kubectl port-forward alone.",
        examples=["grafana.example.com"],
    )
    tls_secret: Name | None = Field(
        None,
        description="Secret with the host's certificate; without it ingress.cluster_issuer obtains one.",
        examples=["grafana-tls"],
    )
    oidc: Oidc = Field(Oidc(), description="The identity provider.")
    runbooks_url: Url | None = Field(
        None,
        description="Where people read docs/runbooks; panels link to it.",
        examples=["https://git.example.com/team/ledger/blob/main/docs/runbooks"],
    )
    logs_url: Url | None = Field(
        None,
        description="VictoriaLogs' address as a browser reaches it; panels link to it.",
        examples=["https://logs.example.com"],
    )
    resources: Resources = Field(
        Resources(cpu_request="50m", memory_request="128Mi", memory_limit="384Mi"),
        description="CPU and memory of Grafana.",
    )
