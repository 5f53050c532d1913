"""The S3 store in the cluster: one pod, one volume, TLS, users with separate rights (versitygw)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from infra.components.base import Component, Context, name_of
from infra.components.stateful import Volume, single
from infra.components.workload import Container, Mount, http_probes
from infra.render import backup_keys
from infra.render import backups as render
from infra.render.backup_keys import User
from infra.settings.model import Settings

USER = 999  # the image's own postgres user, as in the backups' other pods
STARTUP_SECONDS = 120
GRACE_SECONDS = 30
SCRATCH = "16Mi"


@dataclass(frozen=True)
class Credentials:
    """One user's access key and its secret."""

    access_key_id: pulumi.Input[str]
    secret_access_key: pulumi.Input[str]


# Who asks the store as what; empty where the cloud knows a pod by itself.
Access = Mapping[User, Credentials]


class ObjectStore(Component):
    """Outputs: ``access``, each user's credentials, and ``host``, known once the store answers."""

    access: Access
    host: pulumi.Output[str]

    def __init__(
        self,
        context: Context,
        settings: Settings,
        image: str,
        key: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``key`` is the secret ``backupKey``; ``image`` the backups' own."""
        super().__init__(render.STORE, context, opts)
        config = self.config_map("config", render.store_files(settings))
        secret = self.derived("auth", key, render.store_secrets(settings))
        mounts = (
            Mount.config_map("config", name_of(config), render.STORE_CONFIG),
            Mount.secret("auth", name_of(secret), render.STORE_SECRETS),
            Mount.scratch("temporary", "/tmp", SCRATCH),  # noqa: S108  the container's own
        )
        store = settings.backups.store
        self.host = single(
            self,
            _container(settings, image, mounts),
            Volume(store.storage, store.storage_class),
            grace_seconds=GRACE_SECONDS,
            startup_seconds=STARTUP_SECONDS,
        ).host
        self.access = derived_access(key)
        self.register_outputs({"host": self.host})


def derived_access(key: pulumi.Output[str]) -> Access:
    """Everybody's credentials at the store in the cluster, which follow from ``backupKey``."""
    return {user: _credentials(key, user) for user in render.OBJECT_ACTIONS}


def _credentials(key: pulumi.Output[str], user: User) -> Credentials:
    def secret(word: str) -> str:
        return backup_keys.user_secret(word, user)

    return Credentials(user.value, pulumi.Output.secret(key.apply(secret)))


def _container(settings: Settings, image: str, mounts: tuple[Mount, ...]) -> Container:
    return Container(
        name=render.STORE,
        image=image,
        user=USER,
        resources=settings.backups.store.resources,
        command=("bash", f"{render.STORE_CONFIG}/start.sh"),
        probes=http_probes(
            render.STORE_PORT,
            render.STORE_HEALTH,
            startup=(1, STARTUP_SECONDS),
            readiness=(5, 2),
            liveness=(10, 6),
            timeout=3,
            tls=True,
        ),
        port=render.STORE_PORT,
        mounts=mounts,
        claim=("data", render.STORE_DATA),
    )
