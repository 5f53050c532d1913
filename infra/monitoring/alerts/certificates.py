"""Certificates near their end: the one that users see (blackbox_exporter, which asks as they do), and those
of the sandbox's own API server."""

from __future__ import annotations

from functools import partial

from infra.monitoring import needs
from infra.monitoring.alert import Alert, Dashboard, Part, Severity
from infra.monitoring.needs import Need
from infra.monitoring.promql import here
from infra.settings.model import Settings

DAY_SECONDS = 24 * 60 * 60
# cert-manager renews a third of its life before the end, 30 days of 90: two weeks later it has failed often.
# Whoever renews by hand has two weeks to find the person who can.
NEAR_DAYS = 14
ENDS_DAYS = 3  # a week-end
CLUSTER_DAYS = 7  # the last bound of the API server's histogram below a month
_alert = partial(Alert, Part.CERTIFICATES, Dashboard.SERVICE)


def alerts(settings: Settings) -> tuple[Alert, ...]:
    """Only of certificates that the stack has."""
    made = []
    if needs.met(Need.CERTIFICATE, settings):
        made += [_near_end(settings), _ends(settings), _not_watched(settings)]
    if needs.met(Need.OWN_CLUSTER, settings):
        made.append(_cluster_near_end())
    return tuple(made)


def ends_in(settings: Settings) -> str:
    """Seconds until the certificate of each host ends."""
    return f"min by (namespace, instance) (probe_ssl_earliest_cert_expiry{here(settings)}) - time()"


def _near_end(settings: Settings) -> Alert:
    return _alert(
        "CertificateNearEnd",
        Severity.WARNING,
        f"{ends_in(settings)} < {NEAR_DAYS * DAY_SECONDS}",
        "10m",
        "A certificate ends soon",
        "The certificate of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}.",
        "slipway explain STACK ingress.cluster_issuer says who renews it",
    )


def _ends(settings: Settings) -> Alert:
    return _alert(
        "CertificateEnds",
        Severity.CRITICAL,
        f"{ends_in(settings)} < {ENDS_DAYS * DAY_SECONDS}",
        "10m",
        "A certificate ends within days",
        "The certificate of {{ $labels.instance }} ends in {{ $value | humanizeDuration }}; after that every "
        "client refuses to talk to the service.",
        "slipway explain STACK ingress.tls_secret says where it comes from",
    )


def _not_watched(settings: Settings) -> Alert:
    return _alert(
        "CertificateNotWatched",
        Severity.WARNING,
        f"absent(probe_ssl_earliest_cert_expiry{here(settings)})",
        "15m",
        "Nobody watches the certificate",
        "For a quarter of an hour no certificate of the service's hosts has been seen.",
        "slipway status STACK says whether the exporter runs and the hosts answer",
    )


def cluster_ends_soon() -> str:
    """Logins per second with a certificate of the cluster that ends within CLUSTER_DAYS."""
    bound = f'le=~"{CLUSTER_DAYS * DAY_SECONDS}(\\\\.0)?"'
    return f"sum(rate(apiserver_client_certificate_expiration_seconds_bucket{{{bound}}}[5m]))"


def _cluster_near_end() -> Alert:
    return Alert(
        Part.CERTIFICATES,
        Dashboard.KUBERNETES,
        "ClusterCertificateNearEnd",
        Severity.WARNING,
        f"{cluster_ends_soon()} > 0",
        "10m",
        "A certificate of the sandbox's cluster ends soon",
        "A part of the cluster logs in at the API server with a certificate that ends within a week.",
        "slipway sandbox up makes new certificates where old ones are near their end",
    )
