"""Grafana: one pod without a volume. All it shows comes from the stack, so that nothing is lost with it."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes import apps, core, meta

from infra import names
from infra.components.base import Component, Context, name_of
from infra.components.gateway import way_in
from infra.components.workload import Container, Mount, http_probes, pod_spec
from infra.render import grafana as render
from infra.render.monitoring_keys import signing_key
from infra.settings.ingress import Ingress as IngressSettings
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

USER = 472  # grafana, as in the public image
DATA_SIZE, SCRATCH = "256Mi", "64Mi"
IMAGE_SECONDS = 180  # scheduling and pulling the image, 130 MB, before the container starts
STARTUP_SECONDS = 120  # it makes its database anew each time
GRACE_SECONDS = 30
HEALTH = "/api/health"


class Grafana(Component):
    """Outputs: ``url``, of its host where one is named, else inside the cluster."""

    url: pulumi.Output[str]

    def __init__(
        self,
        context: Context,
        settings: Settings,
        image: str,
        secrets: Mapping[SecretName, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``secrets``: the admin's password and, with a provider, the client's secret."""
        super().__init__(render.NAME, context, opts)
        self.settings = settings
        deployment = self._deployment(image, self._mounts(secrets))
        address = core.v1.Service(
            self.child("address"),
            metadata=self.metadata(self.name),
            spec=core.v1.ServiceSpecArgs(
                selector=names.selector_labels(self.name),
                ports=[core.v1.ServicePortArgs(name="http", port=render.PORT, target_port=render.PORT)],
            ),
            opts=self.options(depends_on=[deployment]),
        )
        self.url = self._url(name_of(address))
        self.register_outputs({"url": self.url})

    def _mounts(self, secrets: Mapping[SecretName, pulumi.Output[str]]) -> list[Mount]:
        sources = self.config_map("sources", {"slipway.yaml": render.data_sources(self.settings)})
        provider = self.config_map("provider", {"slipway.yaml": render.provider()})
        boards = self.config_map_in_place("dashboards", render.boards(self.settings))
        key: pulumi.Output[str] = secrets[SecretName.GRAFANA_ADMIN_PASSWORD].apply(signing_key)
        values = {name.value: value for name, value in secrets.items()}
        auth = self.secret("auth", {**values, render.SIGNING_KEY: key})
        return [
            Mount.config_map("sources", name_of(sources), f"{render.PROVISIONING}/datasources"),
            Mount.config_map("provider", name_of(provider), f"{render.PROVISIONING}/dashboards"),
            Mount.config_map("dashboards", name_of(boards), render.DASHBOARDS),
            Mount.secret("auth", name_of(auth), render.SECRETS),
            Mount.scratch("data", render.DATA, DATA_SIZE),
            Mount.scratch("temporary", "/tmp", SCRATCH),  # noqa: S108  the container's own
        ]

    def _deployment(self, image: str, mounts: list[Mount]) -> apps.v1.Deployment:
        container = Container(
            name=self.name,
            image=image,
            user=USER,
            resources=self.settings.monitoring.grafana.resources,
            command=render.command(),
            probes=http_probes(
                render.PORT, HEALTH, startup=(1, STARTUP_SECONDS), readiness=(5, 3), liveness=(10, 6)
            ),
            port=render.PORT,
            mounts=mounts,
            environment=render.environment(self.settings),
        )
        version = names.version_of(image)
        labels = names.labels(self.name, self.context.stack, version)
        deadline = f"{IMAGE_SECONDS + 2 * STARTUP_SECONDS}s"
        return apps.v1.Deployment(
            self.child("server"),
            metadata=self.metadata(self.name, version=version),
            spec=apps.v1.DeploymentSpecArgs(
                replicas=1,
                revision_history_limit=2,
                progress_deadline_seconds=IMAGE_SECONDS + STARTUP_SECONDS,
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(self.name)),
                template=core.v1.PodTemplateSpecArgs(
                    metadata=meta.v1.ObjectMetaArgs(labels=labels),
                    spec=pod_spec(container, grace_seconds=GRACE_SECONDS),
                ),
            ),
            opts=self.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline)),
        )

    def _url(self, address: pulumi.Output[str]) -> pulumi.Output[str]:
        grafana, ingress = self.settings.monitoring.grafana, self.settings.ingress
        if not grafana.host:
            return pulumi.Output.concat(
                "http://", address, ".", self.context.namespace, f".svc:{render.PORT}"
            )
        own = IngressSettings(
            kind=ingress.kind,
            hosts=(grafana.host,),
            class_name=ingress.class_name,
            tls_secret=grafana.tls_secret,
            cluster_issuer=None if grafana.tls_secret else ingress.cluster_issuer,
            gateway=ingress.gateway,
        )
        return way_in(self.child("ingress"), self.context, own, address, render.PORT, self.options())
