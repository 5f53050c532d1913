"""NetworkPolicies of one namespace: made before its pods, so that none of them is ever open."""

from __future__ import annotations

from collections.abc import Iterable

import pulumi
from pulumi_kubernetes import networking

from infra.components.base import Component, Context
from infra.render.network.policies import Policy


class NetworkPolicies(Component):
    """No outputs: whoever is to find them in force waits for the component."""

    def __init__(
        self,
        name: str,
        context: Context,
        policies: Iterable[Policy],
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__(name, context, opts)
        for policy in policies:
            networking.v1.NetworkPolicy(
                self.child(policy.name),
                metadata=self.metadata(policy.name, policy.component),
                spec=policy.spec,
                opts=self.options(),
            )
        self.register_outputs({})
