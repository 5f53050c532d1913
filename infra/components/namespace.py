"""A namespace that enforces a Pod Security profile: the restricted one, but where a node's files are read."""

from __future__ import annotations

import pulumi
from pulumi_kubernetes import core, meta

from infra import names
from infra.components.base import Component, Context

MODES = ("enforce", "audit", "warn")


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
        privileged_because: str | None = None,
        protected: bool = False,
    ) -> None:
        """``privileged_because``: why its pods may do what the restricted profile forbids. ``protected``:
        Pulumi refuses to delete it, and with it all volumes."""
        super().__init__(name, Context(stack, namespace), opts)
        profile = names.PRIVILEGED if privileged_because else names.RESTRICTED
        pod_security = {f"pod-security.kubernetes.io/{mode}": profile for mode in MODES}
        reason = {names.PRIVILEGED_BECAUSE: privileged_because} if privileged_because else None
        made = core.v1.Namespace(
            self.child("namespace"),
            metadata=meta.v1.ObjectMetaArgs(
                name=namespace,
                labels={**names.labels("namespace", stack), **pod_security},
                annotations=reason,
            ),
            opts=self.options(protect=protected),
        )
        self.namespace = made.metadata.name
        self.register_outputs({"namespace": self.namespace})
