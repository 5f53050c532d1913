"""The pods of one variant of the service: their Deployment, what they read, how many may be away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, core, meta, policy

from infra import names
from infra.components.autoscaler import autoscaler, replicas
from infra.components.base import Component, name_of
from infra.components.workload import Container, Mount, Probes, http_probe, pod_spec
from infra.render import service as render
from infra.render.release import Variant
from infra.settings.model import Settings
from infra.settings.service import Rollout

USER = 10001
Sources = list[core.v1.EnvFromSourceArgs]


def environment(owner: Component, settings: Settings, variant: Variant, secret: core.v1.Secret) -> Sources:
    """The variables of ``variant``; the keys of ``secret`` are some of them."""
    plain = render.environment(settings, variant.version)
    values = name_of(owner.config_map(variant.part("environment"), plain))
    return [
        core.v1.EnvFromSourceArgs(config_map_ref=core.v1.ConfigMapEnvSourceArgs(name=values)),
        core.v1.EnvFromSourceArgs(secret_ref=core.v1.SecretEnvSourceArgs(name=name_of(secret))),
    ]


@dataclass(frozen=True)
class Pods:
    """Of ``variant``. ``sources``: where their environment variables come from."""

    owner: Component
    settings: Settings
    variant: Variant
    sources: Sources

    def make(self, after: Sequence[pulumi.Resource]) -> apps.v1.Deployment:
        """With its budget and, where it is scaled, its autoscaler. ``after``: what must have been done."""
        if self.settings.service.autoscaling.enabled:
            # By the label that Prometheus gives a colour's series (infra/render/scrape.py).
            colour = {"colour": self.variant.colour.value} if self.variant.colour else {}
            part = self.variant.part("autoscaler")
            autoscaler(self.owner, part, self.name, self.settings.service, colour)
        made = self._deployment(after)
        self._budget()
        return made

    @property
    def name(self) -> str:
        """The Deployment's."""
        return self.variant.named(self.owner.name)

    @property
    def selector(self) -> dict[str, str]:
        """What the Deployment selects its pods by."""
        return {**names.selector_labels(self.owner.name), **self.variant.labels}

    def _deployment(self, after: Sequence[pulumi.Resource]) -> apps.v1.Deployment:
        owner, variant, service = self.owner, self.variant, self.settings.service
        rollout = service.rollout
        metadata = owner.metadata(self.name, owner.name, variant.version)
        deadline = f"{(service.most_replicas + 1) * rollout.progress_deadline_seconds}s"
        wanted = replicas(service)
        metadata.annotations = wanted.annotations
        return apps.v1.Deployment(
            owner.child(variant.part("deployment")),
            metadata=metadata,
            spec=apps.v1.DeploymentSpecArgs(
                replicas=wanted.count,
                min_ready_seconds=rollout.min_ready_seconds,
                progress_deadline_seconds=rollout.progress_deadline_seconds,
                revision_history_limit=5,
                selector=meta.v1.LabelSelectorArgs(match_labels=self.selector),
                strategy=_strategy(rollout),
                template=self._template(),
            ),
            opts=owner.options(
                depends_on=list(after),
                ignore_changes=wanted.ignored,
                custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline),
            ),
        )

    def _template(self) -> core.v1.PodTemplateSpecArgs:
        labels = names.labels(self.owner.name, self.owner.context.stack, self.variant.version)
        grace = self.settings.service.rollout.termination_grace_seconds
        return core.v1.PodTemplateSpecArgs(
            metadata=meta.v1.ObjectMetaArgs(labels={**labels, **self.variant.labels}),
            spec=pod_spec(
                self._container(),
                grace_seconds=grace,
                spread=self.selector,
                priority=self.owner.context.priorities.service,
            ),
        )

    def _container(self) -> Container:
        service = self.settings.service
        return Container(
            name=self.owner.name,
            image=self.variant.image,
            user=USER,
            resources=service.resources,
            probes=_probes(service.rollout),
            port=render.PORT,
            mounts=(temporary(),),
            environment_from=self.sources,
        )

    def _budget(self) -> policy.v1.PodDisruptionBudget:
        """Without a least number one pod at a time goes for maintenance; a single replica may go, too."""
        least = self.settings.service.min_available
        return policy.v1.PodDisruptionBudget(
            self.owner.child(self.variant.part("budget")),
            metadata=self.owner.metadata(self.name, self.owner.name),
            spec=policy.v1.PodDisruptionBudgetSpecArgs(
                min_available=least,
                max_unavailable=1 if least is None else None,
                selector=meta.v1.LabelSelectorArgs(match_labels=self.selector),
            ),
            opts=self.owner.options(),
        )


def temporary() -> Mount:
    """Its /tmp, where Python and uploads write."""
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
