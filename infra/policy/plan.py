"""All planned resources of a stack, and what rules ask about them: pods, namespaces, who selects whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from infra.names import POD_SECURITY, PRIVILEGED, PRIVILEGED_BECAUSE
from infra.policy.planned import UNKNOWN, Resource, at, joined, mappings, text
from infra.policy.selecting import Selectors
from infra.settings.stack import Environment

POD_SPECS = {  # kind → where its pod template is
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "Rollout": ("spec", "template"),  # of Argo Rollouts: a Deployment with more in it
    "Job": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
Place = tuple[str | None, str | None, str | None]  # namespace, kind, name
STAYING = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Rollout"})


@dataclass(frozen=True)
class Container:
    """A container of a pod. ``path`` leads to it from the resource; ``initial``: it ends before the others
    begin."""

    pod: Pod
    path: str
    data: Mapping[str, Any]
    initial: bool

    @property
    def name(self) -> str:
        """The container's own name."""
        return str(self.data.get("name"))

    def security(self, key: str) -> tuple[str, Any]:
        """Where a setting of the security context is to be written, and what applies: the container's own
        value before the pod's."""
        own = at(self.data, "securityContext", key)
        shared = at(self.pod.spec, "securityContext", key)
        if own is None and shared is not None:
            return joined(self.pod.path, "securityContext", key), shared
        return joined(self.path, "securityContext", key), own


@dataclass(frozen=True)
class Pod:
    """A pod template. ``path`` leads to its spec from the resource that holds it."""

    resource: Resource
    path: str
    spec: Mapping[str, Any]
    labels: Mapping[str, Any]

    @property
    def stays(self) -> bool:
        """Whether it is to run until somebody ends it."""
        return self.resource.kind in STAYING

    @property
    def namespace(self) -> str | None:
        """The namespace's name; None for the provider's own."""
        return text(self.resource.properties, "metadata", "namespace")

    @cached_property
    def containers(self) -> tuple[Container, ...]:
        """All of them, those that begin first too."""
        return tuple(
            Container(self, f"{joined(self.path, key)}[{index}]", data, key == "initContainers")
            for key in ("initContainers", "containers")
            for index, data in mappings(self.spec.get(key))
        )


@dataclass(frozen=True)
class Plan:
    """What a stack is to be."""

    stack: str
    environment: Environment
    resources: tuple[Resource, ...]
    _kinds: dict[str, list[Resource]] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        for resource in self.resources:
            self._kinds.setdefault(resource.kind, []).append(resource)

    def objects(self, *kinds: str) -> Iterator[Resource]:
        """Kubernetes objects of these kinds; all where none is named."""
        if not kinds:
            yield from (resource for resource in self.resources if resource.of_kubernetes)
        for kind in kinds:
            yield from (resource for resource in self._kinds.get(kind, ()) if resource.of_kubernetes)

    def at_aws(self, kind: str) -> Iterator[Resource]:
        """Resources of AWS of this kind."""
        yield from (resource for resource in self._kinds.get(kind, ()) if resource.type.startswith("aws:"))

    @cached_property
    def _of_buckets(self) -> dict[tuple[str, str], list[Resource]]:
        """Kind and bucket → the resources that set one thing of it."""
        found: dict[tuple[str, str], list[Resource]] = {}
        for resource in self.resources:
            bucket = text(resource.properties, "bucket")
            if resource.type.startswith("aws:") and bucket:
                found.setdefault((resource.kind, bucket), []).append(resource)
        return found

    def of_bucket(self, bucket: Resource, kind: str) -> list[Resource]:
        """What sets one thing of a bucket; where it is not known yet of which one, it may be of any."""
        names = {bucket.name, text(bucket.properties, "bucket") or bucket.name, UNKNOWN}
        return [found for name in names for found in self._of_buckets.get((kind, name), ())]

    @cached_property
    def pods(self) -> tuple[Pod, ...]:
        """Every pod template."""
        return tuple(pod for kind in POD_SPECS for found in self.objects(kind) for pod in _pods(found))

    @cached_property
    def privileged(self) -> frozenset[str]:
        """Namespaces that are declared privileged and say why."""
        return frozenset(
            name
            for found in self.objects("Namespace")
            if (name := text(found.properties, "metadata", "name"))
            and at(found.properties, "metadata", "labels", POD_SECURITY) == PRIVILEGED
            and at(found.properties, "metadata", "annotations", PRIVILEGED_BECAUSE)
        )

    @cached_property
    def _scalers(self) -> dict[Place, Resource]:
        """Namespace, kind and name of a workload → who decides how many pods it has."""
        found = {}
        for scaler in self.objects("HorizontalPodAutoscaler"):
            found[target_of(scaler)] = scaler
        return found

    @cached_property
    def _budgets(self) -> Selectors:
        return Selectors(self.objects("PodDisruptionBudget"), "spec", "selector")

    def scaler(self, workload: Resource) -> Resource | None:
        """The HorizontalPodAutoscaler that decides how many pods a workload has."""
        return self._scalers.get(place_of(workload))

    def least(self, workload: Resource) -> Any:
        """How many pods a workload has at least; Kubernetes' own default is one."""
        scaler = self.scaler(workload)
        path = ("spec", "minReplicas") if scaler else ("spec", "replicas")
        count = at((scaler or workload).properties, *path)
        return 1 if count is None else count

    def budgets(self, pod: Pod) -> list[Resource]:
        """The PodDisruptionBudgets of a pod template."""
        return list(self._budgets.of(pod.resource, pod.labels))


def place_of(resource: Resource) -> Place:
    """Where an object is found in the cluster."""
    metadata = at(resource.properties, "metadata")
    return text(metadata, "namespace"), resource.kind, text(metadata, "name")


def target_of(scaler: Resource) -> Place:
    """Where the workload is that a HorizontalPodAutoscaler scales."""
    target = at(scaler.properties, "spec", "scaleTargetRef")
    return text(scaler.properties, "metadata", "namespace"), text(target, "kind"), text(target, "name")


def _pods(resource: Resource) -> Iterator[Pod]:
    path = POD_SPECS[resource.kind]
    template = at(resource.properties, *path)
    spec = at(template, "spec")
    if isinstance(spec, Mapping):
        labels = at(template, "metadata", "labels")
        known = labels if isinstance(labels, Mapping) else {}
        yield Pod(resource, joined(*path, "spec"), spec, known)
