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
class Jobs:
    """Of the newest variant. Each is named by its work: an unchanged program makes no new one, a changed one
    makes the new Job before the old is deleted."""

    owner: Component
    settings: Settings
    variant: Variant

    def migrations(
        self, phase: str, secret: core.v1.Secret, after: Sequence[pulumi.Resource] = ()
    ) -> batch.v1.Job:
        """``secret`` holds the owner's password, which is in no other pod."""
        rollout = self.settings.service.rollout
        command, plain = service.MIGRATIONS[phase], service.migration_environment(self.settings)
        held = core.v1.EnvFromSourceArgs(secret_ref=core.v1.SecretEnvSourceArgs(name=name_of(secret)))
        container = self._container(phase, command, [held], plain)
        key = name_of(secret).apply(lambda name: names.content_hash(self.variant.image, plain, name))
        return self._job(container, key, rollout.migration_seconds, rollout.migration_retries, after)

    def checks(self, sources: Sources, after: pulumi.Resource) -> batch.v1.Job:
        """Every module's checks once, then again for the time of the soak; anew in each release."""
        wanted = self.settings.service.release
        container = self._container(release.CHECKS, release.checks_command(self.settings), sources)
        number = str(self.settings.released.number)
        key = names.content_hash(self.variant.image, number, " ".join(container.command))
        return self._job(container, pulumi.Output.from_input(key), release.checks_limit(wanted), 0, [after])

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
        container: Container,
        key: pulumi.Output[str],
        seconds: int,
        retries: int,
        after: Sequence[pulumi.Resource],
    ) -> batch.v1.Job:
        name, version = container.name, self.variant.version
        metadata = self.owner.metadata(key.apply(lambda end: f"{name}-{end}"), name, version)
        # A failed Job never runs again by itself: the next up makes a new one instead of waiting for this.
        metadata.annotations = {"pulumi.com/replaceUnready": "true"}
        labels = names.labels(name, self.owner.context.stack, version)
        deadline = f"{seconds + IMAGE_SECONDS}s"
        return batch.v1.Job(
            f"{name}-job",
            metadata=metadata,
            spec=batch.v1.JobSpecArgs(
                backoff_limit=retries,
                active_deadline_seconds=seconds,
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
