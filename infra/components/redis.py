"""Redis in the cluster: one pod, an append-only file, users with hashed passwords."""

from __future__ import annotations

from urllib.parse import quote

import pulumi

from infra.components.base import Component, Context, name_of
from infra.components.stateful import Volume, single
from infra.components.workload import Container, Mount, Probes, exec_probe
from infra.render import redis as render
from infra.render.monitoring_keys import monitor_password
from infra.settings.redis import Redis as Settings

USER = 999
SCRATCH = "16Mi"


class Redis(Component):
    """Outputs: ``host``, ``url`` with the password, and ``copying_url`` for backups; both secret."""

    host: pulumi.Output[str]
    url: pulumi.Output[str]
    copying_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        settings: Settings,
        image: str,
        password: pulumi.Output[str],
        opts: pulumi.ResourceOptions | None = None,
        *,
        read: bool = False,
    ) -> None:
        """``read``: there is a user that reads figures, whose password follows from the cache's."""

        def written(word: str) -> str:
            return render.users(word, monitor_password(word) if read else None)

        super().__init__(name, context, opts)
        config = self.config_map("config", render.files(settings))
        users = self.secret("users", {"users.acl": password.apply(written)})
        mounts = (
            Mount.config_map("config", name_of(config), render.CONFIG),
            Mount.secret("users", name_of(users), render.CONTAINER.users),
            Mount.scratch("temporary", "/tmp", SCRATCH),  # noqa: S108  the container's own
        )
        made = single(
            self,
            _container(name, settings, image, mounts),
            Volume(settings.storage, settings.storage_class),
            grace_seconds=settings.shutdown_seconds,
            startup_seconds=settings.startup_seconds,
            priority=context.priorities.data,
        )
        self.host = made.host
        self.url = self._url("", password)
        self.copying_url = self._url(render.BACKUP_USER, password)
        self.register_outputs({"host": self.host})

    def _url(self, user: str, password: pulumi.Output[str]) -> pulumi.Output[str]:
        def build(parts: list[str]) -> str:
            host, word = parts
            return f"redis://{user}:{quote(word, safe='')}@{host}:{render.PORT}/0"

        return pulumi.Output.secret(pulumi.Output.all(self.host, password).apply(build))


def _container(name: str, settings: Settings, image: str, mounts: tuple[Mount, ...]) -> Container:
    # The probe's user has no password and no right but PING; while the file loads the answer is LOADING.
    user = f"--user {render.PROBE_USER} --pass none --no-auth-warning"
    ask = f"redis-cli -p {render.PORT} {user} ping | grep -qx PONG"
    alive = f"redis-cli -p {render.PORT} {user} ping | grep -qE '^(PONG|LOADING)'"
    period = 2
    return Container(
        name=name,
        image=image,
        user=USER,
        resources=settings.resources,
        command=("redis-server", f"{render.CONFIG}/redis.conf"),
        probes=Probes(
            startup=exec_probe(
                ["bash", "-c", ask], period=period, failures=-(-settings.startup_seconds // period)
            ),
            readiness=exec_probe(["bash", "-c", ask], period=5, failures=2),
            liveness=exec_probe(["bash", "-c", alive], period=10, failures=6),
        ),
        port=render.PORT,
        mounts=mounts,
        claim=("data", render.CONTAINER.data),
    )
