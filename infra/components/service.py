"""The service: migrations first, then a rollout that never has fewer replicas than wanted."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_kubernetes import apps, batch, core, meta, policy

from infra import names
from infra.components.autoscaler import autoscaler, replicas
from infra.components.base import Component, Context, name_of
from infra.components.workload import Container, Mount, Probes, http_probe, pod_spec
from infra.render import service as render
from infra.settings.model import Settings
from infra.settings.service import Rollout, ServiceType

USER = 10001
HTTP_PORT = 80
IMAGE_SECONDS = 120  # scheduling and pulling the image, before a container starts


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
        """``secrets`` maps secret environment variables to values; ``owner_url`` is for the migrations."""
        super().__init__(name, context, opts)
        self.settings, self.image, self.version = settings, image, names.version_of(image)
        migrations = self._migrations(owner_url)
        sources = self._sources(secrets)
        if settings.service.autoscaling.enabled:
            autoscaler(self, settings.service)
        deployment = self._deployment(sources, migrations)
        self._budget()
        service = self._address(deployment)
        self.address = name_of(service)
        self.host = pulumi.Output.concat(self.address, ".", context.namespace, ".svc")
        self.port = HTTP_PORT
        self.node_port = service.spec.apply(lambda spec: spec.ports[0].node_port)
        self.register_outputs({"host": self.host})

    def _sources(self, secrets: Mapping[str, pulumi.Output[str]]) -> list[core.v1.EnvFromSourceArgs]:
        plain = self.config_map("environment", render.environment(self.settings, self.version))
        secret = self.secret("secrets", dict(secrets))
        return [
            core.v1.EnvFromSourceArgs(config_map_ref=core.v1.ConfigMapEnvSourceArgs(name=name_of(plain))),
            core.v1.EnvFromSourceArgs(secret_ref=core.v1.SecretEnvSourceArgs(name=name_of(secret))),
        ]

    def _migrations(self, owner_url: pulumi.Output[str]) -> batch.v1.Job:
        """A Job named by image and environment: an unchanged program makes no new one, a changed one makes
        the new Job before the old is deleted. The owner's password is in no other pod."""
        part, rollout = self.child("migrate"), self.settings.service.rollout
        plain = render.migration_environment(self.settings)
        secret = self.secret("migrate", {render.DATABASE_URL: owner_url})
        container = Container(
            name=part,
            image=self.image,
            user=USER,
            resources=self.settings.service.resources,
            command=render.MIGRATION_COMMAND,
            mounts=(_temporary(),),
            environment=plain,
            environment_from=[
                core.v1.EnvFromSourceArgs(secret_ref=core.v1.SecretEnvSourceArgs(name=name_of(secret)))
            ],
        )
        name = name_of(secret).apply(lambda key: f"{part}-{names.content_hash(self.image, plain, key)}")
        deadline = f"{rollout.migration_seconds + IMAGE_SECONDS}s"
        metadata = self.metadata(name, part, self.version)
        # A failed Job never runs again by itself: the next up makes a new one instead of waiting for this.
        metadata.annotations = {"pulumi.com/replaceUnready": "true"}
        return batch.v1.Job(
            f"{part}-job",
            metadata=metadata,
            spec=batch.v1.JobSpecArgs(
                backoff_limit=rollout.migration_retries,
                active_deadline_seconds=rollout.migration_seconds,
                template=core.v1.PodTemplateSpecArgs(
                    metadata=self._pod_metadata(part),
                    spec=pod_spec(container, grace_seconds=30, restart="Never"),
                ),
            ),
            opts=self.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline)),
        )

    def _deployment(
        self, sources: list[core.v1.EnvFromSourceArgs], migrations: batch.v1.Job
    ) -> apps.v1.Deployment:
        service, rollout = self.settings.service, self.settings.service.rollout
        selector = names.selector_labels(self.name)
        template = core.v1.PodTemplateSpecArgs(
            metadata=self._pod_metadata(self.name),
            spec=pod_spec(
                self._container(sources), grace_seconds=rollout.termination_grace_seconds, spread=selector
            ),
        )
        deadline = f"{(service.most_replicas + 1) * rollout.progress_deadline_seconds}s"
        wanted = replicas(service)
        metadata = self.metadata(self.name, version=self.version)
        metadata.annotations = wanted.annotations
        return apps.v1.Deployment(
            self.child("deployment"),
            metadata=metadata,
            spec=apps.v1.DeploymentSpecArgs(
                replicas=wanted.count,
                min_ready_seconds=rollout.min_ready_seconds,
                progress_deadline_seconds=rollout.progress_deadline_seconds,
                revision_history_limit=5,
                selector=meta.v1.LabelSelectorArgs(match_labels=selector),
                strategy=_strategy(rollout),
                template=template,
            ),
            opts=self.options(
                depends_on=[migrations],
                ignore_changes=wanted.ignored,
                custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline),
            ),
        )

    def _container(self, sources: list[core.v1.EnvFromSourceArgs]) -> Container:
        service = self.settings.service
        return Container(
            name=self.name,
            image=self.image,
            user=USER,
            resources=service.resources,
            probes=_probes(service.rollout),
            port=render.PORT,
            mounts=(_temporary(),),
            environment_from=sources,
        )

    def _pod_metadata(self, component: str) -> meta.v1.ObjectMetaArgs:
        return meta.v1.ObjectMetaArgs(labels=names.labels(component, self.context.stack, self.version))

    def _budget(self) -> policy.v1.PodDisruptionBudget:
        """Without a least number one pod at a time goes for maintenance; a single replica may go, too."""
        least = self.settings.service.min_available
        return policy.v1.PodDisruptionBudget(
            self.child("budget"),
            metadata=self.metadata(self.name),
            spec=policy.v1.PodDisruptionBudgetSpecArgs(
                min_available=least,
                max_unavailable=1 if least is None else None,
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(self.name)),
            ),
            opts=self.options(),
        )

    def _address(self, deployment: apps.v1.Deployment) -> core.v1.Service:
        """Made after the Deployment: a Service counts as ready only when it has an endpoint."""
        service = self.settings.service
        port = core.v1.ServicePortArgs(
            name="http",
            port=HTTP_PORT,
            target_port=render.PORT,
            node_port=service.node_port if service.type is ServiceType.NODE_PORT else None,
        )
        return core.v1.Service(
            self.child("address"),
            metadata=self.metadata(self.name),
            spec=core.v1.ServiceSpecArgs(
                type=service.type.value, selector=names.selector_labels(self.name), ports=[port]
            ),
            opts=self.options(depends_on=[deployment]),
        )


def _temporary() -> Mount:
    return Mount.scratch("temporary", "/tmp", "64Mi")  # noqa: S108  the container's own


def _strategy(rollout: Rollout) -> apps.v1.DeploymentStrategyArgs:
    rolling = apps.v1.RollingUpdateDeploymentArgs(max_surge=rollout.max_surge, max_unavailable=0)
    return apps.v1.DeploymentStrategyArgs(type="RollingUpdate", rolling_update=rolling)


def _probes(rollout: Rollout) -> Probes:
    """Liveness is a separate path that asks no database: a database away must not restart the service."""
    timeout = render.PROBE_TIMEOUT_SECONDS
    return Probes(
        startup=http_probe(
            render.LIVENESS_PATH, render.PORT, period=1, failures=rollout.startup_seconds, timeout=timeout
        ),
        readiness=http_probe(render.READINESS_PATH, render.PORT, period=5, failures=2, timeout=timeout),
        liveness=http_probe(render.LIVENESS_PATH, render.PORT, period=10, failures=3, timeout=timeout),
    )
