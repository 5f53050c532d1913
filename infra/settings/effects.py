"""What a value does in a stack: the rules that read it, what follows from it, when it does nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

from infra.settings import rules
from infra.settings.model import Settings
from infra.settings.rules import reading
from infra.settings.rules.operator import OWN
from infra.settings.rules.reading import Path

OF_THE_CLUSTER = ("pod_networks", "node_networks", "api_ports")
MEMORY_KEYS = (
    ("postgres", "resources", "memory_limit"),
    ("postgres", "max_connections"),
    ("postgres", "storage"),
)


@dataclass(frozen=True)
class Weighing:
    """A rule that held for a stack, why it is there, and every key that it read to say so."""

    rule: str
    reason: str
    read: tuple[Path, ...]

    def beside(self, path: Path) -> tuple[Path, ...]:
        """The keys that it holds ``path`` against; not the same keys of another section."""
        same = {(section, *key[1:]) for key in self.read if key[0] == path[0] for section, *_ in self.read}
        others = (key for key in self.read if key != path)
        return tuple(key for key in others if key[0] == path[0] or key not in same)


def weighings(settings: Settings) -> tuple[Weighing, ...]:
    """Every rule with the keys it read in this stack; a rule that looked at no key of a file is left out."""
    found = []
    for rule in rules.RULES:
        _, keys = reading.run(rule, settings)
        found.append(Weighing(rules.name(rule), rules.reason(rule), keys))
    return tuple(weighing for weighing in found if weighing.read)


def weighing(settings: Settings, path: Path) -> tuple[Weighing, ...]:
    """The rules that read this key in this stack."""
    return tuple(item for item in weighings(settings) if path in item.read)


def effects(settings: Settings, path: Path) -> tuple[str, ...]:
    """What follows from a key in this stack, one sentence each; empty where its description says it all."""
    return tuple([*_idle(settings, path), *_replicas(settings, path), *_places(settings, path)]) + tuple(
        _memory(settings, path)
    )


def _idle(settings: Settings, path: Path) -> Iterator[str]:
    """A value beside ``enabled: false`` does nothing."""
    for length in range(1, len(path)):
        holder = _at(settings, path[:length])
        if getattr(holder, "enabled", True) is False and path[length] != "enabled":
            yield f"Does nothing here: {'.'.join(path[:length])}.enabled is false."
    if path[0] == "pipelines" and path[1] != "provider" and not settings.pipelines.provider:
        yield "Does nothing here: pipelines.provider is null."
    if path[0] == "network" and path[1] != "policies" and not settings.network.policies:
        yield "Does nothing here: network.policies is false."
    elif path[0] == "network" and path[1] in OF_THE_CLUSTER and settings.cluster.sandbox:
        yield "Does nothing here: cluster.sandbox is true, whose networks are known."
    if path[0] == "monitoring" and settings.monitoring.enabled:
        operated = settings.monitoring.operator
        if path[1] in OWN if operated else path[1] == "operator_labels":
            yield f"Does nothing here: monitoring.operator is {str(operated).lower()}."


def _replicas(settings: Settings, path: Path) -> Iterator[str]:
    scaling = settings.service.autoscaling
    if path == ("service", "replicas") and scaling.enabled:
        yield f"Left to autoscaling: {scaling.min_replicas} to {scaling.max_replicas} pods follow the load."


def _places(settings: Settings, path: Path) -> Iterator[str]:
    if path == ("namespace", "name"):
        yield f"The stack goes to the namespace {settings.namespace_name}."
    of_sandbox = path[0] == "sandbox" or not {"sandbox", "name", "network"}.isdisjoint(path[1:2])
    if path[0] in {"cluster", "sandbox"} and of_sandbox and not settings.cluster.sandbox:
        yield f"cluster.sandbox is false: the stack goes to the context {settings.cluster.context}."


def _memory(settings: Settings, path: Path) -> Iterator[str]:
    if path in MEMORY_KEYS:
        memory = settings.postgres.memory
        sizes = ", ".join(f"{item.name} {getattr(memory, item.name)} MiB" for item in fields(memory))
        yield f"With {' and '.join('.'.join(key) for key in MEMORY_KEYS if key != path)} it gives {sizes}."


def _at(settings: Settings, path: Sequence[str]) -> Any:
    found: Any = settings
    for part in path:
        found = getattr(found, part)
    return found
