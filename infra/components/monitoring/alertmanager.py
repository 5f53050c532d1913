"""Alertmanager: one pod that remembers what it has told and what somebody silenced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi

from infra.components.base import Component, Context, name_of
from infra.components.stateful import Volume, single
from infra.components.workload import Container, Mount, Probes, http_probes
from infra.render import alertmanager as render
from infra.render import monitoring, prometheus
from infra.settings.model import Settings
from infra.settings.secrets import SecretName

USER = 65534  # nobody, as in the public image
STORAGE = "1Gi"  # the smallest volume that clouds make; what is kept has some megabytes
STARTUP_SECONDS = 60
GRACE_SECONDS = 30
SCRATCH = "16Mi"
WATCHED = "128Mi"  # two hours of one figure, and the log of it


class Alertmanager(Component):
    """Outputs: ``url`` in the cluster, known once it answers."""

    url: pulumi.Output[str]

    def __init__(
        self,
        context: Context,
        settings: Settings,
        image: str,
        watcher_image: str,
        secrets: Mapping[SecretName, pulumi.Output[str]],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``secrets``: those of the receivers that are set. ``watcher_image`` is Prometheus'."""
        super().__init__(monitoring.ALERTMANAGER, context, opts)
        config = self.config_map_in_place("config", render.files(settings))
        start = self.config_map("start", monitoring.start_script())
        mounts = [
            Mount.config_map("config", name_of(config), monitoring.config_folder(self.name)),
            Mount.config_map("start", name_of(start), monitoring.START),
            Mount.scratch("temporary", "/tmp", SCRATCH),  # noqa: S108  the container's own
        ]
        if secrets:
            auth = self.secret("auth", {name.value: value for name, value in secrets.items()})
            mounts.append(Mount.secret("auth", name_of(auth), monitoring.SECRETS))
        made = single(
            self,
            _container(settings, image, mounts),
            Volume(STORAGE, settings.monitoring.storage_class),
            grace_seconds=GRACE_SECONDS,
            startup_seconds=STARTUP_SECONDS,
            beside=[self._watcher(settings, watcher_image, name_of(start))],
        )
        self.url = pulumi.Output.concat("http://", made.host, f":{monitoring.PORTS[self.name]}")
        self.register_outputs({"url": self.url})

    def _watcher(self, settings: Settings, image: str, start: pulumi.Output[str]) -> Container:
        config = self.config_map_in_place("watcher", prometheus.watcher_files(settings))
        resources = settings.monitoring.exporter_resources
        return Container(
            name=monitoring.WATCHER,
            image=image,
            user=USER,
            resources=resources,
            command=monitoring.started(monitoring.WATCHER, monitoring.watcher_command()),
            probes=_probes(monitoring.WATCHER_PORT),
            port=monitoring.WATCHER_PORT,
            mounts=[
                Mount.config_map("watcher", name_of(config), monitoring.config_folder(monitoring.WATCHER)),
                Mount.config_map("start", start, monitoring.START),
                Mount.scratch("watched", monitoring.WATCHER_DATA, WATCHED),
            ],
            environment=monitoring.memory_environment(resources.memory_bytes),
        )


def _container(settings: Settings, image: str, mounts: Sequence[Mount]) -> Container:
    resources = settings.monitoring.alertmanager_resources
    return Container(
        name=monitoring.ALERTMANAGER,
        image=image,
        user=USER,
        resources=resources,
        command=monitoring.started(monitoring.ALERTMANAGER, monitoring.alertmanager_command(settings)),
        probes=_probes(monitoring.PORTS[monitoring.ALERTMANAGER]),
        port=monitoring.PORTS[monitoring.ALERTMANAGER],
        mounts=mounts,
        claim=("data", monitoring.DATA),
        environment=monitoring.memory_environment(resources.memory_bytes),
    )


def _probes(port: int) -> Probes:
    """Both servers have the same pages."""
    startup = (1, STARTUP_SECONDS)
    return http_probes(
        port, "/-/ready", startup=startup, readiness=(5, 3), liveness=(10, 6), alive="/-/healthy"
    )
