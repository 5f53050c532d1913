"""A StatefulSet of one with its volume claim and the Service that finds it: PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_kubernetes import apps, core, meta

from infra import names
from infra.components.base import Component
from infra.components.workload import Container, pod_spec

IMAGE_SECONDS = 120  # scheduling, binding the volume and pulling the image, before the container starts


@dataclass(frozen=True)
class Volume:
    """The claim's size, and its StorageClass (the cluster's default without one)."""

    size: str
    storage_class: str | None


@dataclass(frozen=True)
class Single:
    """What ``single`` made. ``host`` is known once the pod is ready and found by its name."""

    workload: apps.v1.StatefulSet
    host: pulumi.Output[str]


def single(
    owner: Component,
    container: Container,
    volume: Volume,
    *,
    grace_seconds: int,
    startup_seconds: int,
    beside: Sequence[Container] = (),
    account: pulumi.Input[str] | None = None,
    priority: pulumi.Input[str] | None = None,
) -> Single:
    """One pod with one volume, and perhaps containers ``beside`` the one that the volume is for. ``account``:
    the service account whose token it may mount. ``priority``: its PriorityClass.

    A change to the pod restarts it; the volume outlives even the set.
    """
    version = names.version_of(container.image)
    template = core.v1.PodTemplateSpecArgs(
        metadata=meta.v1.ObjectMetaArgs(labels=names.labels(owner.name, owner.context.stack, version)),
        spec=pod_spec(
            container, grace_seconds=grace_seconds, beside=beside, account=account, priority=priority
        ),
    )
    deadline = f"{startup_seconds + IMAGE_SECONDS}s"
    workload = apps.v1.StatefulSet(
        owner.child("set"),
        metadata=owner.metadata(owner.name, version=version),
        spec=apps.v1.StatefulSetSpecArgs(
            replicas=1,
            service_name=owner.name,
            selector=meta.v1.LabelSelectorArgs(match_labels=names.selector_labels(owner.name)),
            template=template,
            volume_claim_templates=[_claim(container, volume)],
        ),
        opts=owner.options(custom_timeouts=pulumi.CustomTimeouts(create=deadline, update=deadline)),
    )
    service = _service(owner, container, workload)
    host = pulumi.Output.concat(service.metadata.name, ".", owner.context.namespace, ".svc")
    return Single(workload, host)


def _claim(container: Container, volume: Volume) -> core.v1.PersistentVolumeClaimArgs:
    name = container.claim[0] if container.claim else "data"
    return core.v1.PersistentVolumeClaimArgs(
        metadata=meta.v1.ObjectMetaArgs(name=name),
        spec=core.v1.PersistentVolumeClaimSpecArgs(
            access_modes=["ReadWriteOnce"],
            storage_class_name=volume.storage_class,
            resources=core.v1.VolumeResourceRequirementsArgs(requests={"storage": volume.size}),
        ),
    )


def _service(owner: Component, container: Container, workload: apps.v1.StatefulSet) -> core.v1.Service:
    """The one pod's address. Made after it: a Service counts as ready only when it has an endpoint."""
    port = core.v1.ServicePortArgs(name=owner.name, port=container.port, target_port=container.port)
    return core.v1.Service(
        owner.child("address"),
        metadata=owner.metadata(owner.name),
        spec=core.v1.ServiceSpecArgs(selector=names.selector_labels(owner.name), ports=[port]),
        opts=owner.options(depends_on=[workload]),
    )
