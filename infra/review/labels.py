"""What fields of resources are called in a review, what they are counted in, and who should look at them."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from infra.review.amounts import Unit
from infra.review.differences import Path


class Mark(StrEnum):
    """Who should look at it?"""

    COST = "cost"
    SECURITY = "security"


@dataclass(frozen=True)
class Label:
    """``rolls``: the pods are made anew for it."""

    words: str
    unit: Unit = Unit.NONE
    marks: frozenset[Mark] = frozenset()
    rolls: bool = False


POD, TEMPLATE = "pod", "template"
_PODS = (
    ("spec", "jobTemplate", "spec", "template", "spec"),
    ("spec", "template", "spec"),
)
_COST, _SECURITY = frozenset({Mark.COST}), frozenset({Mark.SECURITY})
_BOTH = _COST | _SECURITY


def _probe(name: str) -> dict[str, Label]:
    at = f"pod.containers[].{name}Probe"
    seconds = ("periodSeconds", "timeoutSeconds", "initialDelaySeconds")
    words = ("period", "time-out", "delay")
    timed = {
        f"{at}.{field}": Label(f"{name} probe's {word}", Unit.SECONDS)
        for field, word in zip(seconds, words, strict=True)
    }
    return {**timed, f"{at}.failureThreshold": Label(f"{name} probe's failures"), at: Label(f"{name} probe")}


def _containers(list_name: str) -> dict[str, Label]:
    at = f"pod.{list_name}[]"
    return {
        f"{at}.image": Label("image"),
        f"{at}.resources.requests.cpu": Label("CPU request", Unit.CORES, _COST),
        f"{at}.resources.requests.memory": Label("memory request", Unit.BYTES, _COST),
        f"{at}.resources.limits.cpu": Label("CPU limit", Unit.CORES),
        f"{at}.resources.limits.memory": Label("memory limit", Unit.BYTES),
        f"{at}.env[].value": Label("variable"),
        f"{at}.env[]": Label("variable"),
        f"{at}.envFrom": Label("environment from"),
        f"{at}.command": Label("command"),
        f"{at}.args": Label("command"),
        f"{at}.ports": Label("ports", marks=_SECURITY),
        f"{at}.securityContext": Label("security context", marks=_SECURITY),
        f"{at}.volumeMounts": Label("mount"),
        at: Label("container"),
    }


# Field → label; items of lists are [], pod templates "pod". With a kind in front it is that kind's alone.
LABELS: dict[str, Label] = {
    **_containers("containers"),
    **_containers("initContainers"),
    **_probe("startup"),
    **_probe("readiness"),
    **_probe("liveness"),
    "pod.terminationGracePeriodSeconds": Label("grace period", Unit.SECONDS),
    "pod.securityContext": Label("security context", marks=_SECURITY),
    "pod.serviceAccountName": Label("service account", marks=_SECURITY),
    "pod.automountServiceAccountToken": Label("token of its service account", marks=_SECURITY),
    "pod.hostNetwork": Label("the node's network", marks=_SECURITY),
    "pod.hostPID": Label("the node's processes", marks=_SECURITY),
    "pod.hostIPC": Label("the node's shared memory", marks=_SECURITY),
    "pod.volumes[].hostPath": Label("folder of the node", marks=_SECURITY),
    "pod.volumes": Label("volume"),
    "pod.nodeSelector": Label("placement"),
    "pod.tolerations": Label("placement"),
    "pod.affinity": Label("placement"),
    "pod.topologySpreadConstraints": Label("placement"),
    "pod.priorityClassName": Label("priority"),
    "template.metadata.labels": Label("label of its pods"),
    "template.metadata.annotations": Label("annotation of its pods"),
    "spec.replicas": Label("replicas", marks=_COST),
    "spec.volumeClaimTemplates[].spec.resources.requests.storage": Label("storage", Unit.BYTES, _COST),
    "spec.volumeClaimTemplates[].spec.storageClassName": Label("storage class", marks=_COST),
    "spec.volumeClaimTemplates": Label("volume claim"),
    "spec.persistentVolumeClaimRetentionPolicy": Label("what becomes of its volumes"),
    "spec.strategy.rollingUpdate.maxSurge": Label("pods beyond the replicas in a rollout"),
    "spec.strategy.rollingUpdate.maxUnavailable": Label("pods missing in a rollout"),
    "spec.strategy": Label("rollout"),
    "spec.updateStrategy": Label("rollout"),
    "spec.minReadySeconds": Label("time a pod must be ready", Unit.SECONDS),
    "spec.progressDeadlineSeconds": Label("deadline of a rollout", Unit.SECONDS),
    "spec.schedule": Label("schedule"),
    "spec.timeZone": Label("time zone"),
    "spec.suspend": Label("suspended"),
    "spec.activeDeadlineSeconds": Label("deadline", Unit.SECONDS),
    "PersistentVolumeClaim:spec.resources.requests.storage": Label("storage", Unit.BYTES, _COST),
    "PersistentVolume:spec.capacity.storage": Label("storage", Unit.BYTES, _COST),
    "HorizontalPodAutoscaler:spec.minReplicas": Label("least replicas", marks=_COST),
    "HorizontalPodAutoscaler:spec.maxReplicas": Label("most replicas", marks=_COST),
    "HorizontalPodAutoscaler:spec.metrics": Label("scales by"),
    "PodDisruptionBudget:spec.minAvailable": Label("least pods during maintenance"),
    "PodDisruptionBudget:spec.maxUnavailable": Label("pods missing during maintenance"),
    "Service:spec.type": Label("type", marks=_BOTH),
    "Service:spec.ports": Label("ports", marks=_SECURITY),
    "Service:spec.selector": Label("pods behind it"),
    "Service:spec.loadBalancerSourceRanges": Label("who may come", marks=_SECURITY),
    "Service:spec.externalIPs": Label("addresses from outside", marks=_SECURITY),
    "Ingress:spec.rules": Label("host", marks=_SECURITY),
    "Ingress:spec.tls": Label("TLS", marks=_SECURITY),
    "Ingress:spec.ingressClassName": Label("class", marks=_SECURITY),
    "Ingress:spec.defaultBackend": Label("backend", marks=_SECURITY),
    "Ingress:metadata.annotations": Label("annotation", marks=_SECURITY),
    "Gateway:spec.gatewayClassName": Label("class", marks=_SECURITY),
    "Gateway:spec.listeners": Label("listener", marks=_SECURITY),
    "Gateway:metadata.annotations": Label("annotation", marks=_SECURITY),
    "HTTPRoute:spec.hostnames": Label("host", marks=_SECURITY),
    "HTTPRoute:spec.parentRefs": Label("Gateway that it attaches to", marks=_SECURITY),
    "HTTPRoute:spec.rules": Label("rule", marks=_SECURITY),
    "NetworkPolicy:spec": Label("rule", marks=_SECURITY),
    "Namespace:metadata.labels": Label("label", marks=_SECURITY),
    "Role:rules": Label("right", marks=_SECURITY),
    "ClusterRole:rules": Label("right", marks=_SECURITY),
    "RoleBinding:subjects": Label("who has the rights", marks=_SECURITY),
    "RoleBinding:roleRef": Label("role", marks=_SECURITY),
    "ClusterRoleBinding:subjects": Label("who has the rights", marks=_SECURITY),
    "ClusterRoleBinding:roleRef": Label("role", marks=_SECURITY),
    "Secret:data": Label("secret", marks=_SECURITY),
    "Secret:stringData": Label("secret", marks=_SECURITY),
    "BucketLifecycleConfiguration:rules[].expiration.days": Label("retention", Unit.DAYS, _COST),
    "BucketLifecycleConfiguration:rules[].noncurrentVersionExpiration.noncurrentDays": Label(
        "retention of old versions", Unit.DAYS, _COST
    ),
    "BucketLifecycleConfiguration:rules": Label("retention rule", marks=_COST),
    "BucketObjectLockConfiguration:rule.defaultRetention.days": Label(
        "time in which nobody may delete", Unit.DAYS, _BOTH
    ),
    "BucketObjectLockConfiguration:rule": Label("lock of objects", marks=_BOTH),
    "protected from deletion": Label("protected from deletion", marks=_SECURITY),
    "metadata.labels": Label("label"),
    "metadata.annotations": Label("annotation"),
    "metadata.namespace": Label("namespace"),
    "metadata.name": Label("name"),
    "immutable": Label("immutable"),
}
ROLLING = (f"{POD}.", f"{TEMPLATE}.")


@dataclass(frozen=True)
class Field:
    """A path's label, and the part of the path that the label does not speak of."""

    label: Label
    rest: Path
    rolls: bool

    @property
    def name(self) -> str:
        """The name of the item that the label speaks of, or the rest of the path."""
        return ".".join(step.strip("[]") if step.startswith("[") else step for step in self.rest)


def field(kind: str, path: Path) -> Field:
    """How to speak of a path of a resource of that kind; the path itself where nothing better is known."""
    short = normal(path)
    for length in range(len(short), 0, -1):
        pattern = _pattern(short[:length])
        label = LABELS.get(f"{kind}:{pattern}") or LABELS.get(pattern)
        if label:
            rest = _named(short[:length]) + short[length:]
            return Field(label, rest, short[0] in (POD, TEMPLATE))
    return Field(Label(""), short, short[0] in (POD, TEMPLATE))


def normal(path: Path) -> Path:
    """With ``pod`` for a pod's specification and ``template`` for what stands around it."""
    for prefix in _PODS:
        if path[: len(prefix)] == prefix:
            return (POD, *path[len(prefix) :])
        if path[: len(prefix) - 1] == prefix[:-1] and len(path) >= len(prefix):
            return (TEMPLATE, *path[len(prefix) - 1 :])
    return path


def _pattern(steps: Iterable[str]) -> str:
    return ".".join("[]" if step.startswith("[") else step for step in steps).replace(".[", "[")


def _named(path: Path) -> Path:
    """The item that is spoken of, where it is not a container: pods here have one as a rule."""
    items = [
        step
        for before, step in itertools.pairwise(path)
        if step.startswith("[") and step != "[]" and before not in ("containers", "volumeClaimTemplates")
    ]
    return tuple(items[-1:])
