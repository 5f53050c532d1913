"""The stack's namespace, which enforces the restricted Pod Security profile."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import core, meta

from infra import names
from infra.components.base import Component, Context

PROFILE = "restricted"


class Namespace(Component):
    """Outputs: ``namespace``, the name, known once the namespace exists."""

    namespace: pulumi.Output[str]

    def __init__(
        self, name: str, namespace: str, stack: str, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__(name, Context(stack, namespace), opts)
        pod_security = {
            f"pod-security.kubernetes.io/{mode}": PROFILE for mode in ("enforce", "audit", "warn")
        }
        made = core.v1.Namespace(
            self.child("namespace"),
            metadata=meta.v1.ObjectMetaArgs(
                name=namespace, labels={**names.labels("namespace", stack), **pod_security}
            ),
            opts=self.options(),
        )
        self.namespace = made.metadata.name
        self.register_outputs({"namespace": self.namespace})
