"""The service's Ingress: its host names, their certificate, the largest body and the longest answer."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import networking

from infra.components.base import Component, Context, name_of
from infra.settings.ingress import Ingress as Settings

# Ingress NGINX of the community and those that read its annotations; NGINX's own controller ("Advanced
# configuration with Annotations"). Other controllers leave them alone.
COMMUNITY, NGINX = "nginx.ingress.kubernetes.io", "nginx.org"
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
        self.url = url_of(settings, name_of(made))
        self.register_outputs({"url": self.url})


def _annotations(settings: Settings) -> dict[str, str]:
    body, seconds = f"{settings.body_limit_megabytes}m", settings.timeout_seconds
    limits = {
        f"{COMMUNITY}/proxy-body-size": body,
        f"{COMMUNITY}/proxy-read-timeout": f"{seconds}",
        f"{NGINX}/client-max-body-size": body,
        f"{NGINX}/proxy-read-timeout": f"{seconds}s",
    }
    return {**limits, ISSUER: settings.cluster_issuer} if settings.cluster_issuer else limits


def url_of(settings: Settings, name: pulumi.Output[str]) -> pulumi.Output[str]:
    """The address of the first host, known once the object with this name exists."""
    scheme = "https" if settings.encrypted else "http"
    return name.apply(lambda _: f"{scheme}://{settings.hosts[0]}")


def _rule(host: str, backend: networking.v1.IngressBackendArgs) -> networking.v1.IngressRuleArgs:
    path = networking.v1.HTTPIngressPathArgs(path="/", path_type="Prefix", backend=backend)
    return networking.v1.IngressRuleArgs(host=host, http=networking.v1.HTTPIngressRuleValueArgs(paths=[path]))


def _tls(settings: Settings, certificate: str | None) -> list[networking.v1.IngressTLSArgs] | None:
    """One certificate for all hosts; with TLS, ingress-nginx sends plain HTTP on to https by itself."""
    if certificate is None:
        return None
    return [networking.v1.IngressTLSArgs(hosts=list(settings.hosts), secret_name=certificate)]
