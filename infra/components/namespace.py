"""A namespace that enforces a Pod Security profile: the restricted one, but where a node's files are read."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import core, meta

from infra import names
from infra.components.base import Component, Context

# kubernetes.io, "Pod Security Standards": hostPath is in neither of the two stricter ones.
RESTRICTED, PRIVILEGED = "restricted", "privileged"


class Namespace(Component):
    """Outputs: ``namespace``, the name, known once the namespace exists."""

    namespace: pulumi.Output[str]

    def __init__(
        self,
        name: str,
        namespace: str,
        stack: str,
        opts: pulumi.ResourceOptions | None = None,
        *,
        profile: str = RESTRICTED,
    ) -> None:
        super().__init__(name, Context(stack, namespace), opts)
        pod_security = {
            f"pod-security.kubernetes.io/{mode}": profile for mode in ("enforce", "audit", "warn")
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
