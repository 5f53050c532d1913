"""What reads the lines on every node: root without a capability, in a namespace where nothing else is.

It has two containers, since one vlagent sends all that it reads to every store.
"""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import apps, core, meta

from infra import names
from infra.components.base import Component, Context
from infra.components.monitoring.rights import SEE, Account, reading
from infra.components.workload import ROOT, Container, Mount, http_probes, pod_spec
from infra.names import LOGS_COLLECTOR
from infra.render import logs as render
from infra.render import monitoring
from infra.settings.logs import Store
from infra.settings.model import Settings

IMAGE_SECONDS = 120  # scheduling and pulling the image, before the container starts
GRACE_SECONDS = 30  # sending what it has read


class LogCollector(Component):
    """No outputs: nothing asks it but Prometheus, which knows it by its name."""

    def __init__(
        self,
        context: Context,
        settings: Settings,
        folders: render.NodeFolders,
        image: str,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``context``: its own namespace, not the stack's."""
        super().__init__(LOGS_COLLECTOR, context, opts)
        account = Account(self, self.name, self.name)
        account.in_namespace(reading({"": ["pods"]}, ["get"]))  # its own, to learn on which node it is
        # The API server cannot narrow these to a namespace: it asks for all pods of its node.
        account.in_cluster([*reading({"": ["pods", "namespaces"]}, SEE), *reading({"": ["nodes"]}, ["get"])])
        first, *beside = [_container(settings, store, folders, image) for store in Store]
        pod = pod_spec(
            first, grace_seconds=GRACE_SECONDS, beside=beside, account=account.name, everywhere=True
        )
        self._on_every_node(pod, names.version_of(image))
        self._address()
        self.register_outputs({})

    def _on_every_node(self, pod: core.v1.PodSpecArgs, version: str) -> None:
        labels = names.labels(self.name, self.context.stack, version)
        deadline = f"{2 * IMAGE_SECONDS}s"
        apps.v1.DaemonSet(
            self.child("nodes"),
            metadata=self.metadata(self.name, version=version),
            spec=apps.v1.DaemonSetSpecArgs(
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(self.name)),
                template=core.v1.PodTemplateSpecArgs(
                    metadata=meta.v1.ObjectMetaArgs(labels=labels), spec=pod
                ),
            ),
            opts=self.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline)),
        )

    def _address(self) -> None:
        """A name that stands for the pod of each node, also for one that is not ready."""
        ports = [
            core.v1.ServicePortArgs(name=store.value, port=port, target_port=port)
            for store, port in render.COLLECTOR_PORTS.items()
        ]
        core.v1.Service(
            self.child("address"),
            metadata=self.metadata(self.name),
            spec=core.v1.ServiceSpecArgs(
                cluster_ip="None",
                publish_not_ready_addresses=True,
                selector=names.selector_labels(self.name),
                ports=ports,
            ),
            opts=self.options(),
        )


def _container(settings: Settings, store: Store, folders: render.NodeFolders, image: str) -> Container:
    resources = settings.logs.collector_resources
    port = render.COLLECTOR_PORTS[store]
    return Container(
        name=store.collector,
        image=image,
        user=ROOT,
        resources=resources,
        command=render.collector_command(settings, store, folders),
        probes=http_probes(port, render.HEALTH),
        port=port,
        mounts=(
            Mount.host("links", folders.links),
            Mount.host("files", folders.files),
            Mount.host("state", folders.state, read_only=False),
            Mount.account(namespace=True),
        ),
        environment=monitoring.memory_environment(resources.memory_bytes),
    )
