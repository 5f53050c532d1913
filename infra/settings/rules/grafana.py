"""Rules on Grafana: it has figures to show, an image, a provider that is named whole, and no open door."""

from __future__ import annotations

from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding
from infra.settings.service import Mode

PATH = ("monitoring", "grafana")
PROVIDER = ("client_id", "auth_url", "token_url", "api_url")
ADDRESSES = ("auth_url", "token_url", "api_url")


def sandbox_has_no_grafana(settings: StackConfig) -> Iterator[Finding]:
    """Its image is in public registries alone, and the sandbox runs what is built on this machine."""
    if settings.cluster.sandbox and settings.monitoring.grafana.enabled:
        yield Finding(
            (*PATH, "enabled"),
            "true, and the sandbox has no image of Grafana",
            f"leave it out; the same dashboards, drawn: slipway dashboards {settings.stack} --html",
        )


def grafana_has_figures(settings: StackConfig) -> Iterator[Finding]:
    """Its dashboards ask the stack's own Prometheus."""
    if settings.monitoring.grafana.enabled and not settings.monitoring.enabled:
        yield Finding(
            (*PATH, "enabled"),
            "true, and monitoring.enabled is false: there are no figures to show",
            "set monitoring.enabled: true, or leave Grafana out",
            also=(("monitoring", "enabled"),),
        )
    if settings.monitoring.grafana.enabled and settings.monitoring.operator:
        yield Finding(
            (*PATH, "enabled"),
            "true, and monitoring.operator is true: the cluster's Prometheus has the figures",
            "leave it out: the cluster's Grafana shows them",
            also=(("monitoring", "operator"),),
        )


def grafana_provider_is_named_whole(settings: StackConfig) -> Iterator[Finding]:
    """Grafana sends people to the provider, fetches their token and reads who they are."""
    oidc = settings.monitoring.grafana.oidc
    missing = [key for key in PROVIDER if getattr(oidc, key) is None]
    there = [key for key in PROVIDER if key not in missing]
    if missing and there:
        yield Finding(
            (*PATH, "oidc", missing[0]),
            f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing, and "
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} set: nobody could log in",
            f"set {', '.join(PROVIDER)} together, or none of them",
            also=tuple((*PATH, "oidc", key) for key in there),
        )


def grafana_provider_finds_the_way_back(settings: StackConfig) -> Iterator[Finding]:
    """The provider sends people back to an address that it knows."""
    grafana = settings.monitoring.grafana
    if grafana.oidc.client_id and not grafana.host:
        yield Finding(
            (*PATH, "host"),
            f"is missing, and oidc.client_id is {grafana.oidc.client_id}: the provider has no address to "
            "send people back to",
            "name the host under which Grafana is reached",
            also=((*PATH, "oidc", "client_id"),),
        )


def grafana_logins_are_encrypted(settings: StackConfig) -> Iterator[Finding]:
    """Passwords and tokens would be readable on their way."""
    grafana, mode = settings.monitoring.grafana, settings.service.environment
    if mode is Mode.DEVELOPMENT:
        return
    if grafana.enabled and grafana.host and not (grafana.tls_secret or settings.ingress.certifies_any):
        other = (
            "ingress.gateway.https_listener"
            if settings.ingress.shared
            else "tls_secret, or ingress.cluster_issuer"
        )
        yield Finding(
            (*PATH, "host"),
            f"{grafana.host} has no certificate, and service.environment is {mode}",
            f"set {other}",
            also=(("service", "environment"),),
        )
    for key in ADDRESSES:
        if (getattr(grafana.oidc, key) or "").startswith("http://"):
            yield Finding(
                (*PATH, "oidc", key),
                f"{getattr(grafana.oidc, key)} is not https, and service.environment is {mode}",
                "use https",
                also=(("service", "environment"),),
            )
