"""What point-in-time recovery adds to PostgreSQL's pod, and the Job that restores its volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import batch, core, meta

from infra import names
from infra.components.base import Component, name_of
from infra.components.object_store import USER, Access, Credentials
from infra.components.workload import Container, Mount, pod_spec
from infra.render import archive as archive_render
from infra.render import pitr as render
from infra.render import postgres
from infra.render.backup_keys import User
from infra.settings.model import Settings

PATHS = postgres.CONTAINER
CLAIM = "data"
TEMPORARY = "64Mi"
GRACE_SECONDS = 60
NEVER = "0 0 1 1 *"  # a schedule must be one; what is suspended does not follow it
Made = Callable[[str, render.Login | None], str]


@dataclass(frozen=True)
class Archive:
    """Where the archive is. ``image`` is the backups' own; ``key`` the secret ``backupKey``."""

    settings: Settings
    image: str
    key: pulumi.Output[str]
    access: Access

    @property
    def parameters(self) -> dict[str, str]:
        """PostgreSQL's own part."""
        return archive_render.parameters(self.settings)


@dataclass(frozen=True)
class Parts:
    """What PostgreSQL's container mounts besides, and the container that makes base backups."""

    archiver: tuple[Mount, ...]
    keeper: Container


def made(owner: Component, archive: Archive) -> Parts:
    """The parts, and the restore's template: a CronJob that never runs by itself."""
    keys = _keys(owner, archive, User.PITR)
    _restore(owner, archive, keys)
    return Parts((_keys(owner, archive, User.ARCHIVER),), _keeper(archive, keys))


def _keys(owner: Component, archive: Archive, user: User) -> Mount:
    """pgBackRest's file for one store user: PostgreSQL's own cannot remove what it has archived."""
    login, files = archive.access.get(user), render.files(archive.settings, user)
    data = {file: _file(make, archive.key, login) for file, make in files.items()}
    secret = owner.secret(user.value, data)
    return Mount.secret(f"{user}-keys", name_of(secret), archive_render.FOLDER)


def _file(make: Made, key: pulumi.Output[str], login: Credentials | None) -> pulumi.Output[str]:
    if login is None:
        return pulumi.Output.secret(key.apply(lambda word: make(word, None)))
    parts = pulumi.Output.all(key, login.access_key_id, login.secret_access_key)

    def build(found: list[str]) -> str:
        return make(found[0], render.Login(found[1], found[2]))

    return pulumi.Output.secret(parts.apply(build))


def _keeper(archive: Archive, keys: Mount) -> Container:
    """Reads the data folder, asks the server over its socket, and writes nothing but to the store."""
    return Container(
        name=render.CONTAINER,
        image=archive.image,
        user=USER,
        resources=archive.settings.backups.pitr.resources,
        command=render.PROGRAM,
        arguments=("keep",),
        mounts=(
            keys,
            Mount.scratch("sockets", PATHS.sockets, TEMPORARY),
            Mount.scratch("pitr-temporary", PATHS.private, TEMPORARY),
        ),
        claim=(CLAIM, PATHS.mount),
        claim_read_only=True,
        environment=render.environment(archive.settings),
    )


def _restore(owner: Component, archive: Archive, keys: Mount) -> batch.v1.CronJob:
    part, version = render.JOB, names.version_of(archive.image)
    labels = meta.v1.ObjectMetaArgs(labels=names.labels(part, owner.context.stack, version))
    container = Container(
        name=part,
        image=archive.image,
        user=USER,
        resources=archive.settings.backups.restore_resources,
        command=render.PROGRAM,
        arguments=("status",),
        mounts=(
            keys,
            Mount.claim(CLAIM, f"{CLAIM}-{owner.name}-0", PATHS.mount),
            Mount.scratch("sockets", PATHS.sockets, TEMPORARY),
            Mount.scratch("temporary", PATHS.private, TEMPORARY),
        ),
        environment=render.environment(archive.settings),
    )
    spec = pod_spec(container, grace_seconds=GRACE_SECONDS, restart="Never")
    return batch.v1.CronJob(
        owner.child("restore"),
        metadata=owner.metadata(part, part, version),
        spec=batch.v1.CronJobSpecArgs(
            schedule=NEVER,
            suspend=True,
            concurrency_policy="Forbid",
            job_template=batch.v1.JobTemplateSpecArgs(
                metadata=labels,
                spec=batch.v1.JobSpecArgs(
                    backoff_limit=0, template=core.v1.PodTemplateSpecArgs(metadata=labels, spec=spec)
                ),
            ),
        ),
        opts=owner.options(),
    )
