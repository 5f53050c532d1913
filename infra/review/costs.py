"""What a plan changes about what is asked for: processors, memory and disk, and what costs by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from infra.review.amounts import Unit, quantity, told
from infra.review.plan import Object, Step

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet")
DEAR = (
    *WORKLOADS,
    "PersistentVolumeClaim",
    "PersistentVolume",
    "HorizontalPodAutoscaler",
    "Gateway",  # for which most implementations make a load balancer
    "Bucket",
    "CronJob",
)


@dataclass(frozen=True)
class Amounts:
    """Of all pods together; of a DaemonSet one pod counts, as the number of nodes is not in a plan."""

    cores: float = 0.0
    memory_bytes: float = 0.0
    storage_bytes: float = 0.0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(
            self.cores + other.cores,
            self.memory_bytes + other.memory_bytes,
            self.storage_bytes + other.storage_bytes,
        )

    def times(self, number: float) -> Amounts:
        """So many of them; -1 takes them away."""
        return Amounts(self.cores * number, self.memory_bytes * number, self.storage_bytes * number)

    def sentence(self) -> str:
        """``+1 core, −2 GiB memory``; empty where nothing changes."""
        parts = (
            (self.cores, Unit.CORES, ""),
            (self.memory_bytes, Unit.BYTES, " memory"),
            (self.storage_bytes, Unit.BYTES, " storage"),
        )
        return ", ".join(
            f"{'+' if number > 0 else '−'}{told(abs(round(number, 6)), unit)}{what}"
            for number, unit, what in parts
            if abs(number) > 1e-6
        )


def added(steps: Iterable[Step]) -> Amounts:
    """What all of them ask for more, or less, than before."""
    total = Amounts()
    for step in steps:
        total += asked(step.kind, step.new) + asked(step.kind, step.old).times(-1)
    return total


def asked(kind: str, inputs: Object) -> Amounts:
    """What a resource asks for: the requests of its pods, and its volumes."""
    spec = _member(inputs, "spec")
    if kind == "PersistentVolumeClaim":
        return Amounts(storage_bytes=_storage(spec))
    if kind not in WORKLOADS:
        return Amounts()
    pod = _member(_member(spec, "template"), "spec")
    each = Amounts()
    for container in _items(pod.get("containers")):
        requests = _member(_member(container, "resources"), "requests")
        each += Amounts(quantity(requests.get("cpu")) or 0.0, quantity(requests.get("memory")) or 0.0)
    for claim in _items(spec.get("volumeClaimTemplates")):
        each += Amounts(storage_bytes=_storage(_member(claim, "spec")))
    return each.times(_replicas(kind, spec))


def _replicas(kind: str, spec: Mapping[str, Any]) -> float:
    number = spec.get("replicas")
    return float(number) if kind != "DaemonSet" and isinstance(number, int | float) else 1.0


def _storage(spec: Mapping[str, Any]) -> float:
    return quantity(_member(_member(spec, "resources"), "requests").get("storage")) or 0.0


def _member(holder: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def _items(found: Any) -> list[Mapping[str, Any]]:
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
