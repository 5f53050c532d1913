"""PostgreSQL in the cluster: one pod, one volume, two roles besides the superuser."""

from __future__ import annotations

from urllib.parse import quote

import pulumi

from infra.components import pitr
from infra.components.base import Component, Context, name_of
from infra.components.stateful import Volume, single
from infra.components.workload import Container, Mount, Probes, exec_probe
from infra.render import postgres as render
from infra.render.monitoring_keys import monitor_password
from infra.settings.postgres import Postgres as Settings
from infra.settings.secrets import SecretName

USER = 999  # the image's own postgres user: initdb wants it in passwd
PATHS = render.CONTAINER
SCRATCH = "64Mi"


class Postgres(Component):
    """Outputs: ``host``, ``owner_url`` for migrations and ``service_url`` for the service, both secret."""

    host: pulumi.Output[str]
    owner_url: pulumi.Output[str]
    service_url: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        context: Context,
        settings: Settings,
        image: str,
        passwords: dict[SecretName, pulumi.Output[str]],
        archive: pitr.Archive | None = None,
        opts: pulumi.ResourceOptions | None = None,
        *,
        read: bool = False,
    ) -> None:
        """``passwords``: the owner's and the service role's. With an ``archive`` the pod gets a second
        container, and a Job's template restores the volume to a second. ``read``: a role reads figures."""
        super().__init__(name, context, opts)
        more = archive.parameters if archive else render.NOTHING
        config = self.config_map("config", render.files(settings, more=more, monitored=read))
        secret = self.secret("auth", _words(passwords, read=read))
        mounts = (
            Mount.config_map("config", name_of(config), PATHS.config),
            Mount.secret("auth", name_of(secret), PATHS.secrets),
            Mount.scratch("sockets", PATHS.sockets, SCRATCH),
            Mount.scratch("temporary", "/tmp", SCRATCH),  # noqa: S108  the container's own
            Mount.scratch("shared-memory", "/dev/shm", f"{settings.memory.shm}Mi", memory=True),  # noqa: S108
        )
        kept = pitr.made(self, archive) if archive else None
        made = single(
            self,
            _container(name, settings, image, (*mounts, *kept.archiver) if kept else mounts),
            Volume(settings.storage, settings.storage_class),
            grace_seconds=settings.shutdown_seconds,
            startup_seconds=settings.startup_seconds,
            beside=[kept.keeper] if kept else [],
            priority=context.priorities.data,
        )
        self.host = made.host
        owner, service = SecretName.POSTGRES_OWNER_PASSWORD, SecretName.POSTGRES_SERVICE_PASSWORD
        self.owner_url = self._url(settings, settings.owner, passwords[owner])
        self.service_url = self._url(settings, settings.service_role, passwords[service])
        self.register_outputs({"host": self.host})

    def _url(self, settings: Settings, role: str, password: pulumi.Output[str]) -> pulumi.Output[str]:
        def build(parts: list[str]) -> str:
            host, word = parts
            return f"postgresql://{role}:{quote(word, safe='')}@{host}:{render.PORT}/{settings.database}"

        return pulumi.Output.secret(pulumi.Output.all(self.host, password).apply(build))


def _words(passwords: dict[SecretName, pulumi.Output[str]], *, read: bool) -> dict[str, pulumi.Output[str]]:
    """The files of passwords that the start script reads; the one that reads figures has its own."""
    words = {key.value: value for key, value in passwords.items()}
    if read:
        owner = passwords[SecretName.POSTGRES_OWNER_PASSWORD]
        words[render.MONITOR_KEY] = pulumi.Output.secret(owner.apply(monitor_password))
    return words


def _container(name: str, settings: Settings, image: str, mounts: tuple[Mount, ...]) -> Container:
    # Over the socket: a refused login over the network would be logged at every probe.
    ask = f"{PATHS.bin}/pg_isready --quiet --host={PATHS.sockets} --port={render.PORT}"
    period = 2
    return Container(
        name=name,
        image=image,
        user=USER,
        resources=settings.resources,
        command=("bash", f"{PATHS.config}/start.sh"),
        probes=Probes(
            startup=exec_probe(ask.split(), period=period, failures=-(-settings.startup_seconds // period)),
            readiness=exec_probe(ask.split(), period=5, failures=2),
            # 1: it refuses connections while it recovers or shuts down; only silence means that it hangs.
            liveness=exec_probe(["bash", "-c", f"{ask}; [ $? -le 1 ]"], period=10, failures=6),
        ),
        port=render.PORT,
        mounts=mounts,
        claim=("data", PATHS.mount),
        # TERM would wait for every client to leave; INT is the fast shutdown (PostgreSQL 15, 19.5).
        before_stop=("bash", "-c", "kill -INT 1"),
    )
