"""prometheus-adapter as the cluster's API of custom metrics: how the HPA hears of requests."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pulumi
from pulumi_kubernetes import apiregistration, apps, core, meta

from infra import names
from infra.components.base import Component, Context, name_of
from infra.components.monitoring.rights import Account
from infra.components.workload import Container, Mount, http_probes, pod_spec
from infra.render import adapter as render
from infra.render import monitoring
from infra.render.certificates import Certificate
from infra.render.monitoring_keys import adapter_certificate
from infra.settings.model import Settings

USER = 65534  # nobody, as in the public image
IMAGE_SECONDS, GRACE_SECONDS = 120, 10
READY, ALIVE = "/readyz", "/livez"


class RequestMetrics(Component):
    """No outputs: who asks the API server for the figure is led here."""

    def __init__(
        self,
        context: Context,
        settings: Settings,
        image: str,
        password: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``password``: what the certificate follows from."""
        super().__init__(render.NAME, context, opts)
        account = Account(self, self.name, self.name)
        account.asked_by_the_api_server()
        host = monitoring.host(settings, render.NAME)

        def part(read: Callable[[Certificate], str]) -> Callable[[str], str]:
            return lambda word: read(adapter_certificate(word, host))

        certificate = part(lambda found: found.certificate)
        secret = self.derived(
            "tls", password, {render.CERTIFICATE: certificate, render.KEY: part(lambda found: found.key)}
        )
        service = self._served(self._deployment(settings, image, name_of(secret), account.name))
        self._api_service(name_of(service), pulumi.Output.unsecret(password.apply(certificate)))
        self.register_outputs({})

    def _deployment(
        self, settings: Settings, image: str, secret: pulumi.Output[str], account: pulumi.Output[str]
    ) -> apps.v1.Deployment:
        version, deadline = names.version_of(image), f"{2 * IMAGE_SECONDS}s"
        labels = names.labels(self.name, self.context.stack, version)
        container = self._container(settings, image, secret)
        spec = pod_spec(container, grace_seconds=GRACE_SECONDS, account=account)
        return apps.v1.Deployment(
            self.child("deployment"),
            metadata=self.metadata(self.name, version=version),
            spec=apps.v1.DeploymentSpecArgs(
                replicas=1,
                revision_history_limit=2,
                progress_deadline_seconds=IMAGE_SECONDS,
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(self.name)),
                template=core.v1.PodTemplateSpecArgs(
                    metadata=meta.v1.ObjectMetaArgs(labels=labels), spec=spec
                ),
            ),
            opts=self.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline)),
        )

    def _container(self, settings: Settings, image: str, secret: pulumi.Output[str]) -> Container:
        resources = settings.monitoring.adapter_resources
        config = self.config_map("config", render.files(settings))
        return Container(
            name=self.name,
            image=image,
            user=USER,
            resources=resources,
            command=render.command(settings),
            probes=http_probes(render.PORT, READY, alive=ALIVE, tls=True),
            port=render.PORT,
            mounts=(
                Mount.config_map("config", name_of(config), monitoring.config_folder(render.NAME)),
                Mount.secret("tls", secret, monitoring.SECRETS),
                Mount.account(),
            ),
            environment=monitoring.memory_environment(resources.memory_bytes),
        )

    def _served(self, deployment: apps.v1.Deployment) -> core.v1.Service:
        port = core.v1.ServicePortArgs(name="https", port=render.SERVICE_PORT, target_port=render.PORT)
        return core.v1.Service(
            self.child("address"),
            metadata=self.metadata(self.name),
            spec=core.v1.ServiceSpecArgs(selector=names.selector_labels(self.name), ports=[port]),
            opts=self.options(depends_on=[deployment]),
        )

    def _api_service(self, service: pulumi.Output[str], certificate: pulumi.Output[str]) -> None:
        """There is one of that name in a cluster, whoever makes it (docs/decisions/0035)."""
        authority = certificate.apply(lambda text: base64.b64encode(text.encode()).decode())
        apiregistration.v1.APIService(
            self.child("api"),
            metadata=meta.v1.ObjectMetaArgs(
                name=f"{render.VERSION}.{render.GROUP}", labels=names.labels(self.name, self.context.stack)
            ),
            spec=apiregistration.v1.APIServiceSpecArgs(
                group=render.GROUP,
                version=render.VERSION,
                group_priority_minimum=100,
                version_priority=100,
                ca_bundle=authority,
                service=apiregistration.v1.ServiceReferenceArgs(
                    name=service, namespace=self.context.namespace, port=render.SERVICE_PORT
                ),
            ),
            opts=self.options(),
        )
