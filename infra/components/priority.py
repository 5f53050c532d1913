"""Which pods go first where a node is full: databases, then the service, then all else (ADR 35)."""

from __future__ import annotations

from dataclasses import replace

import pulumi
from pulumi_kubernetes import meta, scheduling

from infra import names
from infra.components.base import Component, Context, Priorities, name_of
from infra.settings.cluster import Cluster

# Above 0, which is every pod's that names no class: jobs, backups, what measures, and other teams' pods.
# Below 1,000,000,000, where Kubernetes' own begin (kubernetes.io, "Pod Priority and Preemption").
VALUES = {"data": 2000, "service": 1000}
WHY = {
    "data": "Databases of this stack: without them nothing else works.",
    "service": "What answers this stack's users.",
}


def prioritized(context: Context, cluster: Cluster, opts: pulumi.ResourceOptions | None = None) -> Context:
    """The same place, where some of its pods go first if the cluster lets the stack say so."""
    if not cluster.priority_classes:
        return context
    return replace(context, priorities=PriorityClasses(context, opts).priorities)


class PriorityClasses(Component):
    """Outputs: ``priorities``. Classes are in no namespace and named by the stack: each removes its own."""

    priorities: Priorities

    def __init__(self, context: Context, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("priority", context, opts)
        self.priorities = Priorities(**{level: self._class(level) for level in VALUES})
        self.register_outputs({})

    def _class(self, level: str) -> pulumi.Output[str]:
        stack = self.context.stack
        return name_of(
            scheduling.v1.PriorityClass(
                self.child(level),
                metadata=meta.v1.ObjectMetaArgs(
                    name=f"{stack}-{level}", labels=names.labels(self.name, stack)
                ),
                value=VALUES[level],
                description=WHY[level],
                opts=self.options(),
            )
        )
