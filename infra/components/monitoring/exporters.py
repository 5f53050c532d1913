"""What turns PostgreSQL, Redis, the nodes and the stack's objects into figures: one pod each, no volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, core, meta

from infra import names
from infra.components.base import Component, Context, name_of
from infra.components.monitoring.rights import SEE, Account, reading
from infra.components.workload import Container, Mount, http_probes, pod_spec
from infra.images import Meter
from infra.render import monitoring, postgres, redis, release, service
from infra.render.monitoring import (
    BLACKBOX_EXPORTER,
    KUBE_STATE_METRICS,
    NODE_EXPORTER,
    POSTGRES_EXPORTER,
    REDIS_EXPORTER,
)
from infra.render.monitoring_keys import monitor_password
from infra.settings.model import Settings

USER = 65534  # nobody, as in the public images
IMAGE_SECONDS = 120  # scheduling and pulling the image, before the container starts
GRACE_SECONDS = 10
ROOM_SIZE = "1Mi"  # nothing is ever written there
PROBED = "/"  # a page of the program itself: what it measures may be away


@dataclass(frozen=True)
class Measured:
    """The passwords of what exporters log in to; theirs are derived from them."""

    postgres: pulumi.Output[str]
    redis: pulumi.Output[str]


class Exporters(Component):
    """No outputs: Prometheus knows the parts by their names, the operator by their labels."""

    def __init__(
        self,
        context: Context,
        settings: Settings,
        images: Mapping[Meter, str],
        objects_image: str,
        measured: Measured,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """``objects_image`` is that of kube-state-metrics."""
        super().__init__("exporters", context, opts)
        self.settings = settings
        self._database(images[Meter.POSTGRES_EXPORTER], measured)
        self._cache(images[Meter.REDIS_EXPORTER], measured)
        if not settings.monitoring.operator:  # the cluster reads nodes and objects for everybody
            self._nodes(images[Meter.NODE_EXPORTER])
            self._objects(objects_image)
        if settings.ingress.certified:
            self._certificates(images[Meter.BLACKBOX_EXPORTER])
        for variant in release.variants(settings, ""):
            self._service_pods(variant)
        self.register_outputs({})

    def _database(self, image: str, measured: Measured) -> None:
        files = {postgres.MONITOR_KEY: monitor_password}
        auth = self.derived("postgres-auth", measured.postgres, files)
        place = f"{monitoring.host(self.settings, monitoring.POSTGRES)}:{postgres.PORT}/{postgres.MONITORED}"
        environment = {
            "DATA_SOURCE_URI": f"{place}?sslmode=disable",
            "DATA_SOURCE_USER": postgres.MONITOR,
            "DATA_SOURCE_PASS_FILE": f"{monitoring.SECRETS}/{postgres.MONITOR_KEY}",
        }
        container = self._container(
            POSTGRES_EXPORTER,
            image,
            monitoring.postgres_exporter_command(),
            (Mount.secret("auth", name_of(auth), monitoring.SECRETS),),
            environment,
        )
        self._deployment("postgres", POSTGRES_EXPORTER, container)

    def _cache(self, image: str, measured: Measured) -> None:
        address = f"redis://{monitoring.host(self.settings, monitoring.REDIS)}:{redis.PORT}"
        write = monitoring.redis_passwords(address)
        files = {monitoring.REDIS_PASSWORDS: lambda password: write(monitor_password(password))}
        auth = self.derived("redis-auth", measured.redis, files)
        mounts = (Mount.secret("auth", name_of(auth), monitoring.SECRETS),)
        command = monitoring.redis_exporter_command(address)
        self._deployment("redis", REDIS_EXPORTER, self._container(REDIS_EXPORTER, image, command, mounts))

    def _certificates(self, image: str) -> None:
        part = BLACKBOX_EXPORTER
        config = self.config_map("certificates", monitoring.blackbox_files())
        mounts = (Mount.config_map("config", name_of(config), monitoring.config_folder(part)),)
        command = monitoring.blackbox_exporter_command()
        self._deployment("probes", part, self._container(part, image, command, mounts))

    def _objects(self, image: str) -> None:
        account = Account(self, KUBE_STATE_METRICS, self.child("objects"))
        account.in_namespace(reading(monitoring.OBJECTS, SEE))
        account.in_cluster(reading(monitoring.CLUSTER_OBJECTS, SEE))
        command = monitoring.kube_state_metrics_command(self.settings)
        container = self._container(KUBE_STATE_METRICS, image, command, (Mount.account(),))
        self._deployment("objects", KUBE_STATE_METRICS, container, account.name)

    def _nodes(self, image: str) -> None:
        """One pod on every node, also on those that take no others."""
        part = NODE_EXPORTER
        room = Mount.scratch("room", monitoring.ROOM, ROOM_SIZE)
        container = self._container(part, image, monitoring.node_exporter_command(), (room,))
        version = names.version_of(image)
        apps.v1.DaemonSet(
            self.child("nodes"),
            metadata=self.metadata(part, part, version),
            spec=apps.v1.DaemonSetSpecArgs(
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(part)),
                template=self._template(
                    part, version, pod_spec(container, grace_seconds=GRACE_SECONDS, everywhere=True)
                ),
            ),
            opts=self._waiting(),
        )
        self._headless("nodes-address", part, part, monitoring.PORTS[part])

    def _deployment(
        self, name: str, part: str, container: Container, account: pulumi.Output[str] | None = None
    ) -> None:
        version = names.version_of(container.image)
        deployment = apps.v1.Deployment(
            self.child(name),
            metadata=self.metadata(part, part, version),
            spec=apps.v1.DeploymentSpecArgs(
                replicas=1,
                revision_history_limit=2,
                progress_deadline_seconds=IMAGE_SECONDS,
                selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(part)),
                template=self._template(
                    part, version, pod_spec(container, grace_seconds=GRACE_SECONDS, account=account)
                ),
            ),
            opts=self._waiting(),
        )
        port = core.v1.ServicePortArgs(name="metrics", port=container.port, target_port=container.port)
        core.v1.Service(
            f"{self.child(name)}-address",
            metadata=self.metadata(part, part),
            spec=core.v1.ServiceSpecArgs(selector=names.selector_labels(part), ports=[port]),
            opts=self.options(depends_on=[deployment]),
        )

    def _service_pods(self, variant: release.Variant) -> None:
        """A candidate's are found by another name: what they answer is not yet the service's."""
        name = release.pods_service(variant.colour, tried=variant.tried)
        part = release.CANDIDATE_PART if variant.tried else monitoring.SERVICE
        selector = {**names.selector_labels(monitoring.SERVICE), **variant.labels}
        self._headless(name, name, part, service.PORT, selector)

    def _headless(
        self, name: str, service_name: str, part: str, port: int, selector: Mapping[str, str] | None = None
    ) -> None:
        """A name that stands for each pod of a part, also for one that is not ready: that is when figures
        are wanted."""
        core.v1.Service(
            self.child(name),
            metadata=self.metadata(service_name, part),
            spec=core.v1.ServiceSpecArgs(
                cluster_ip="None",
                publish_not_ready_addresses=True,
                selector=selector or names.selector_labels(part),
                ports=[core.v1.ServicePortArgs(name="metrics", port=port, target_port=port)],
            ),
            opts=self.options(),
        )

    def _template(self, part: str, version: str, spec: core.v1.PodSpecArgs) -> core.v1.PodTemplateSpecArgs:
        labels = names.labels(part, self.context.stack, version)
        return core.v1.PodTemplateSpecArgs(metadata=meta.v1.ObjectMetaArgs(labels=labels), spec=spec)

    def _waiting(self) -> pulumi.ResourceOptions:
        deadline = f"{2 * IMAGE_SECONDS}s"
        return self.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline))

    def _container(
        self,
        part: str,
        image: str,
        command: Sequence[str],
        mounts: Sequence[Mount],
        environment: Mapping[str, str] | None = None,
    ) -> Container:
        port, resources = monitoring.PORTS[part], self.settings.monitoring.exporter_resources
        return Container(
            name=part,
            image=image,
            user=USER,
            resources=resources,
            command=command,
            probes=http_probes(port, PROBED),
            port=port,
            mounts=mounts,
            environment={**(environment or {}), **monitoring.memory_environment(resources.memory_bytes)},
        )
