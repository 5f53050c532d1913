"""What one pod of the backups holds: its container with the variables, keys and credentials of its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pulumi_kubernetes import core, meta

from infra import names
from infra.components.base import Context, name_of
from infra.components.object_store import USER
from infra.components.workload import Container, Mount, http_probes, pod_spec
from infra.render import backups as render
from infra.render.backup_keys import User
from infra.settings.model import Settings

GRACE_SECONDS = 30  # to abort an upload and to say so
TEMPORARY = "64Mi"
SOCKETS = "/run/postgresql"  # of the drill's own PostgreSQL


@dataclass(frozen=True)
class Task:
    """What a pod is for. ``user``: as whom it asks the store; ``data``: it reaches database and cache;
    ``reads``: it decrypts dumps; ``schedule``: None where somebody starts it by hand."""

    name: str
    arguments: tuple[str, ...]
    user: User
    schedule: str | None = None
    data: bool = False
    reads: bool = False


@dataclass(frozen=True)
class Sources:
    """The objects that pods read; ``keys`` encrypts, ``identity`` decrypts as well."""

    variables: core.v1.ConfigMap
    configuration: core.v1.ConfigMap
    addresses: core.v1.Secret
    credentials: Mapping[User, core.v1.Secret]
    keys: core.v1.Secret
    identity: core.v1.Secret


@dataclass(frozen=True)
class Pods:
    """Makes the pod of a task."""

    context: Context
    settings: Settings
    image: str
    sources: Sources

    @property
    def version(self) -> str:
        """The image's tag, for labels."""
        return names.version_of(self.image)

    def of_job(self, part: str, task: Task) -> core.v1.PodTemplateSpecArgs:
        """A pod that ends."""
        spec = pod_spec(self._container(part, task), grace_seconds=GRACE_SECONDS, restart="Never")
        return core.v1.PodTemplateSpecArgs(metadata=self.metadata(part), spec=spec)

    def of_server(
        self, part: str, task: Task, port: int, annotations: Mapping[str, str]
    ) -> core.v1.PodTemplateSpecArgs:
        """A pod that stays and answers on ``port``."""
        probes = http_probes(port, render.METRICS_PATH)
        container = replace(self._container(part, task), probes=probes, port=port)
        metadata = self.metadata(part)
        metadata.annotations = dict(annotations)
        return core.v1.PodTemplateSpecArgs(
            metadata=metadata, spec=pod_spec(container, grace_seconds=GRACE_SECONDS)
        )

    def metadata(self, part: str) -> meta.v1.ObjectMetaArgs:
        """Labels of pods and Jobs, which are named by their controllers."""
        return meta.v1.ObjectMetaArgs(labels=names.labels(part, self.context.stack, self.version))

    def _container(self, part: str, task: Task) -> Container:
        backups = self.settings.backups
        return Container(
            name=part,
            image=self.image,
            user=USER,
            resources=backups.restore_resources if task.reads else backups.resources,
            command=render.PROGRAM,
            arguments=task.arguments,
            mounts=self._mounts(task),
            environment_from=self._environment(task),
        )

    def _environment(self, task: Task) -> list[core.v1.EnvFromSourceArgs]:
        found = self.sources
        secrets = [found.addresses] if task.data else []
        secrets += [found.credentials[task.user]] if task.user in found.credentials else []
        variables = core.v1.ConfigMapEnvSourceArgs(name=name_of(found.variables))
        references = [core.v1.SecretEnvSourceArgs(name=name_of(secret)) for secret in secrets]
        return [
            core.v1.EnvFromSourceArgs(config_map_ref=variables),
            *(core.v1.EnvFromSourceArgs(secret_ref=reference) for reference in references),
        ]

    def _mounts(self, task: Task) -> tuple[Mount, ...]:
        found = self.sources
        keys = found.identity if task.reads else found.keys
        return (
            Mount.secret("keys", name_of(keys), render.KEYS),
            Mount.config_map("configuration", name_of(found.configuration), render.CONFIGURATION),
            Mount.scratch("scratch", render.SCRATCH, self.settings.backups.scratch),
            Mount.scratch("temporary", "/tmp", TEMPORARY),  # noqa: S108  the container's own
            Mount.scratch("sockets", SOCKETS, TEMPORARY),
        )
