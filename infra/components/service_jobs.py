"""The service's Jobs around a release: migrations before and after it, and the checks of a candidate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import batch, core, meta

from infra import names
from infra.components.base import Component, name_of
from infra.components.service_pods import USER, Sources, temporary
from infra.components.workload import Container, pod_spec
from infra.render import release, service
from infra.render.release import Variant
from infra.settings.model import Settings

IMAGE_SECONDS = 120  # scheduling and pulling the image, before a container starts
GRACE_SECONDS = 30


@dataclass(frozen=True)
class _Limits:
    """How long a Job may take, in seconds, and how often it is tried again."""

    seconds: int
    retries: int


@dataclass(frozen=True)
class Jobs:
    """Of one variant. Each is named by its work: an unchanged program makes no new one, a changed one
    makes the new Job before the old is deleted."""

    owner: Component
    settings: Settings
    variant: Variant

    def expand(self, secret: core.v1.Secret) -> batch.v1.Job:
        """Each variant's own, so that on the way back nothing is run before the traffic turns. ``secret``
        holds the owner's password, which is in no other pod."""
        return self._migrations(service.EXPAND, secret, self.variant.part(service.EXPAND))

    def contract(self, secret: core.v1.Secret, after: pulumi.Resource) -> batch.v1.Job:
        """Once nothing of another version runs."""
        return self._migrations(service.CONTRACT, secret, service.CONTRACT, [after])

    def _migrations(
        self, phase: str, secret: core.v1.Secret, part: str, after: Sequence[pulumi.Resource] = ()
    ) -> batch.v1.Job:
        rollout = self.settings.service.rollout
        command, plain = service.MIGRATIONS[phase], service.migration_environment(self.settings)
        held = core.v1.EnvFromSourceArgs(secret_ref=core.v1.SecretEnvSourceArgs(name=name_of(secret)))
        container = self._container(phase, command, [held], plain)
        key = name_of(secret).apply(lambda name: names.content_hash(self.variant.image, plain, name))
        limits = _Limits(rollout.migration_seconds, rollout.migration_retries)
        return self._job(part, container, key, limits, after)

    def checks(self, sources: Sources, after: pulumi.Resource) -> batch.v1.Job:
        """Every module's checks once, then again for the time of the soak; anew in each release."""
        wanted = self.settings.service.release
        container = self._container(release.CHECKS, release.checks_command(self.settings), sources)
        number = str(self.settings.released.number)
        key = names.content_hash(self.variant.image, number, " ".join(container.command))
        limits = _Limits(release.checks_limit(wanted), retries=0)
        return self._job(release.CHECKS, container, pulumi.Output.from_input(key), limits, [after])

    def _container(
        self, part: str, command: Sequence[str], sources: Sources, plain: Mapping[str, str] | None = None
    ) -> Container:
        return Container(
            name=self.owner.child(part),
            image=self.variant.image,
            user=USER,
            resources=self.settings.service.resources,
            command=command,
            mounts=(temporary(),),
            environment=plain or {},
            environment_from=sources,
        )

    def _job(
        self,
        part: str,
        container: Container,
        key: pulumi.Output[str],
        limits: _Limits,
        after: Sequence[pulumi.Resource],
    ) -> batch.v1.Job:
        name, component, version = self.owner.child(part), container.name, self.variant.version
        metadata = self.owner.metadata(key.apply(lambda end: f"{name}-{end}"), component, version)
        # A failed Job never runs again by itself: the next up makes a new one instead of waiting for this.
        metadata.annotations = {"pulumi.com/replaceUnready": "true"}
        labels = names.labels(component, self.owner.context.stack, version)
        deadline = f"{limits.seconds + IMAGE_SECONDS}s"
        return batch.v1.Job(
            f"{name}-job",
            metadata=metadata,
            spec=batch.v1.JobSpecArgs(
                backoff_limit=limits.retries,
                active_deadline_seconds=limits.seconds,
                template=core.v1.PodTemplateSpecArgs(
                    metadata=meta.v1.ObjectMetaArgs(labels=labels),
                    # A release waits for it: it goes where the service would.
                    spec=pod_spec(
                        container,
                        grace_seconds=GRACE_SECONDS,
                        restart="Never",
                        priority=self.owner.context.priorities.service,
                    ),
                ),
            ),
            opts=self.owner.options(
                depends_on=list(after),
                custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline),
            ),
        )
