"""The service's Ingress: its host names, their certificate, and the largest body that is let in."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import networking

from infra.components.base import Component, Context
from infra.settings.ingress import Ingress as Settings

# ingress-nginx, "Annotations": other controllers leave it alone.
BODY_LIMIT = "nginx.ingress.kubernetes.io/proxy-body-size"
# cert-manager, "Annotated Ingress resource": the certificate goes into the Secret that spec.tls names.
ISSUER = "cert-manager.io/cluster-issuer"


class Ingress(Component):
    """Outputs: ``url`` of the first host, known once the Ingress exists."""

    url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        settings: Settings,
        service: pulumi.Output[str],
        port: int,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``service`` and ``port`` are the Kubernetes Service behind it. At least one host must be named."""
        super().__init__(name, context, opts)
        certificate = settings.tls_secret or (self.child("tls") if settings.cluster_issuer else None)
        backend = networking.v1.IngressBackendArgs(
            service=networking.v1.IngressServiceBackendArgs(
                name=service, port=networking.v1.ServiceBackendPortArgs(number=port)
            )
        )
        metadata = self.metadata(name)
        metadata.annotations = _annotations(settings)
        made = networking.v1.Ingress(
            self.child("rules"),
            metadata=metadata,
            spec=networking.v1.IngressSpecArgs(
                ingress_class_name=settings.class_name,
                rules=[_rule(host, backend) for host in settings.hosts],
                tls=_tls(settings, certificate),
            ),
            opts=self.options(),
        )
        scheme = "https" if certificate else "http"
        self.url = made.metadata.name.apply(lambda _: f"{scheme}://{settings.hosts[0]}")
        self.register_outputs({"url": self.url})


def _annotations(settings: Settings) -> dict[str, str]:
    limit = {BODY_LIMIT: f"{settings.body_limit_megabytes}m"}
    return {**limit, ISSUER: settings.cluster_issuer} if settings.cluster_issuer else limit


def _rule(host: str, backend: networking.v1.IngressBackendArgs) -> networking.v1.IngressRuleArgs:
    path = networking.v1.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    return networking.v1.IngressRuleArgs(host=host, http=networking.v1.HTTPIngressRuleValueArgs(paths=[path]))


def _tls(settings: Settings, certificate: str | None) -> list[networking.v1.IngressTLSArgs] | None:
    """One certificate for all hosts; with TLS, ingress-nginx sends plain HTTP on to https by itself."""
    if certificate is None:
        return None
    return [networking.v1.IngressTLSArgs(hosts=list(settings.hosts), secret_name=certificate)]
