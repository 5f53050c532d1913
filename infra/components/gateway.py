"""The way in by Gateway API: a Gateway of the stack's own or the platform's, and the routes of the hosts."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import apiextensions

from infra.components.base import Component, Context
from infra.components.ingress import ISSUER, Ingress, url_of
from infra.render import gateway as render
from infra.settings.ingress import Ingress as Settings
from infra.settings.ingress import IngressKind


class Gateway(Component):
    """Outputs: ``url`` of the first host, known once its route exists."""

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
        self.settings = settings
        own = self.child("gateway")
        made = [] if settings.shared else [self._gateway(own)]
        after = self.options(depends_on=made)
        route = service.apply(lambda known: render.route(settings, own, known, port))
        served = self._object("route", "HTTPRoute", route, after)
        if moved := render.redirect(settings, own):
            self._object("redirect", "HTTPRoute", moved, after)
        self.url = url_of(settings, served.metadata["name"])
        self.register_outputs({"url": self.url})

    def _gateway(self, name: str) -> apiextensions.CustomResource:
        certificate = self.settings.tls_secret
        if self.settings.cluster_issuer:
            certificate = self.child("tls")
        return self._object(
            "gateway", "Gateway", render.gateway(self.settings, certificate), self.options(), name
        )

    def _object(
        self,
        part: str,
        kind: str,
        spec: pulumi.Input[render.Data],
        opts: pulumi.ResourceOptions,
        name: str | None = None,
    ) -> apiextensions.CustomResource:
        metadata = self.metadata(name or self.child(part))
        if kind == "Gateway" and self.settings.cluster_issuer:
            # cert-manager, "Annotated Gateway resource": one certificate for the hosts of a Secret.
            metadata.annotations = {ISSUER: self.settings.cluster_issuer}
        return apiextensions.CustomResource(
            self.child(part),
            api_version=render.API_VERSION,
            kind=kind,
            metadata=metadata,
            spec=spec,
            opts=opts,
        )


def way_in(
    name: str,
    context: Context,
    settings: Settings,
    service: pulumi.Output[str],
    port: int,
    opts: pulumi.ResourceOptions | None = None,
) -> pulumi.Output[str]:
    """The address of the first host, by an Ingress or by Gateway API as the settings want."""
    made = Gateway if settings.kind is IngressKind.GATEWAY else Ingress
    return made(name, context, settings, service, port, opts).url
