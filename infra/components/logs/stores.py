"""VictoriaLogs: one pod with its volume for the service's lines, and one for everybody else's."""

from __future__ import annotations

import pulumi

from infra.components.base import Component, Context
from infra.components.stateful import Volume, single
from infra.components.workload import Container, http_probes
from infra.render import logs as render
from infra.render import monitoring
from infra.settings.logs import Store
from infra.settings.model import Settings

USER = 65534  # nobody
STARTUP_SECONDS = 120  # opening its days after a kill
GRACE_SECONDS = 30  # writing what it has in memory


class LogStore(Component):
    """Outputs: ``url`` in the cluster, known once it answers."""

    url: pulumi.Output[str]

    def __init__(
        self,
        context: Context,
        settings: Settings,
        store: Store,
        image: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(store.component, context, opts)
        made = single(
            self,
            _container(settings, store, image),
            Volume(render.of_store(settings, store).storage, settings.logs.storage_class),
            grace_seconds=GRACE_SECONDS,
            startup_seconds=STARTUP_SECONDS,
        )
        self.url = pulumi.Output.concat("http://", made.host, f":{render.PORT}")
        self.register_outputs({"url": self.url})


def _container(settings: Settings, store: Store, image: str) -> Container:
    resources = settings.logs.store_resources
    return Container(
        name=store.component,
        image=image,
        user=USER,
        resources=resources,
        command=render.store_command(settings, store),
        probes=http_probes(
            render.PORT, render.HEALTH, startup=(1, STARTUP_SECONDS), readiness=(5, 3), liveness=(10, 6)
        ),
        port=render.PORT,
        claim=("data", render.DATA),
        environment=monitoring.memory_environment(resources.memory_bytes),
    )
