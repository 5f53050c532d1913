"""The service: migrations first, then its pods, then the address that leads to them.

With two colours the address leads to one of them; a candidate has its own address until its checks passed.
"""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes import apps, core

from infra.components.base import Component, Context, name_of
from infra.components.service_jobs import Jobs
from infra.components.service_pods import Pods, environment
from infra.render import release
from infra.render import service as render
from infra.settings.model import Settings
from infra.settings.service import ServiceType


class Service(Component):
    """Outputs: ``address`` (the Kubernetes Service's name), ``host`` and ``port`` inside the cluster,
    ``node_port`` (None unless it has one)."""

    address: pulumi.Output[str]
    host: pulumi.Output[str]
    port: int
    node_port: pulumi.Output[int | None]

    def __init__(
        self,
        name: str,
        context: Context,
        settings: Settings,
        image: str,
        secrets: Mapping[str, pulumi.Output[str]],
        owner_url: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``image`` runs where nothing was released yet; ``secrets`` maps secret environment variables to
        values; ``owner_url`` is for the migrations."""
        super().__init__(name, context, opts)
        self.settings = settings
        variants = release.variants(settings, image)
        jobs = [Jobs(self, settings, variant) for variant in variants]
        owner = self.secret("migrate", {render.DATABASE_URL: owner_url})
        secret = self.secret("secrets", dict(secrets))
        pods = [
            Pods(self, settings, variant, environment(self, settings, variant, secret))
            for variant in variants
        ]
        made = [each.make([own.expand(owner)]) for each, own in zip(pods, jobs, strict=True)]
        service = self._address(pods[0], made[0])
        if len(pods) == 1:  # nobody is left who needs what the old schema had
            jobs[0].contract(owner, service)
        elif pods[1].variant.tried:
            jobs[1].checks(pods[1].sources, self._candidate(pods[1], made[1]))
        self.address = name_of(service)
        self.host = pulumi.Output.concat(self.address, ".", context.namespace, ".svc")
        self.port = release.HTTP_PORT
        self.node_port = service.spec.apply(lambda spec: spec.ports[0].node_port)
        self.register_outputs({"host": self.host})

    def _address(self, pods: Pods, deployment: apps.v1.Deployment) -> core.v1.Service:
        """Made after the Deployment: a Service counts as ready only when it has an endpoint."""
        service = self.settings.service
        node_port = service.node_port if service.type is ServiceType.NODE_PORT else None
        spec = core.v1.ServiceSpecArgs(
            type=service.type.value, selector=pods.selector, ports=[_port(node_port)]
        )
        return core.v1.Service(
            self.child("address"),
            metadata=self.metadata(self.name),
            spec=spec,
            opts=self.options(depends_on=[deployment]),
        )

    def _candidate(self, pods: Pods, deployment: apps.v1.Deployment) -> core.v1.Service:
        return core.v1.Service(
            self.child("candidate"),
            metadata=self.metadata(release.CANDIDATE, self.name),
            spec=core.v1.ServiceSpecArgs(selector=pods.selector, ports=[_port(None)]),
            opts=self.options(depends_on=[deployment]),
        )


def _port(node_port: int | None) -> core.v1.ServicePortArgs:
    return core.v1.ServicePortArgs(
        name="http", port=release.HTTP_PORT, target_port=render.PORT, node_port=node_port
    )
