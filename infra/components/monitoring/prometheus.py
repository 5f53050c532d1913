"""Prometheus: one pod with its series on a volume, which reads a changed configuration without a restart."""

from __future__ import annotations

import pulumi

from infra.components.base import Component, Context, name_of
from infra.components.monitoring.rights import READ, Account, path, reading
from infra.components.stateful import Volume, single
from infra.components.workload import Container, Mount, http_probes
from infra.render import monitoring
from infra.render import prometheus as render
from infra.settings.model import Settings

USER = 65534  # nobody, as in the public image
STARTUP_SECONDS = 300  # reading its log again after a kill: some hours' worth of series
GRACE_SECONDS = 60
SCRATCH = "16Mi"


class Prometheus(Component):
    """Outputs: ``url`` in the cluster, known once it answers."""

    url: pulumi.Output[str]

    def __init__(
        self,
        context: Context,
        settings: Settings,
        image: str,
        node: render.Node | None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``node``: of a cluster that is ours alone, whose own parts are then measured too."""
        super().__init__(monitoring.PROMETHEUS, context, opts)
        account = Account(self, self.name, self.name)
        figures = reading({"": ["nodes/metrics"]}, ["get"])
        nodes = [path(monitoring.METRICS_PATH)] if node else reading({"": ["nodes"]}, READ)
        account.in_cluster([*figures, *nodes])
        config = self.config_map_in_place("config", render.files(settings, node))
        start = self.config_map("start", monitoring.start_script())
        mounts = (
            Mount.config_map("config", name_of(config), monitoring.config_folder(self.name)),
            Mount.config_map("start", name_of(start), monitoring.START),
            Mount.account(),
            Mount.scratch("temporary", "/tmp", SCRATCH),  # noqa: S108  the container's own
        )
        wanted = settings.monitoring
        made = single(
            self,
            _container(settings, image, mounts),
            Volume(wanted.storage, wanted.storage_class),
            grace_seconds=GRACE_SECONDS,
            startup_seconds=STARTUP_SECONDS,
            account=account.name,
        )
        self.url = pulumi.Output.concat("http://", made.host, f":{monitoring.PORTS[self.name]}")
        self.register_outputs({"url": self.url})


def _container(settings: Settings, image: str, mounts: tuple[Mount, ...]) -> Container:
    resources = settings.monitoring.prometheus_resources
    return Container(
        name=monitoring.PROMETHEUS,
        image=image,
        user=USER,
        resources=resources,
        command=monitoring.started(monitoring.PROMETHEUS, monitoring.prometheus_command(settings)),
        probes=http_probes(
            monitoring.PORTS[monitoring.PROMETHEUS],
            "/-/ready",
            startup=(2, STARTUP_SECONDS // 2),
            readiness=(5, 3),
            liveness=(10, 6),
            alive="/-/healthy",
        ),
        port=monitoring.PORTS[monitoring.PROMETHEUS],
        mounts=mounts,
        claim=("data", monitoring.DATA),
        environment=monitoring.memory_environment(resources.memory_bytes),
    )
