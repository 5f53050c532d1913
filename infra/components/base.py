"""What every component shares: its type token, its context, and objects that are named by their content."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi_kubernetes import core, meta

from infra import names


@dataclass(frozen=True)
class Priorities:
    """Names of the PriorityClasses of databases and of the service; None is the cluster's default."""

    data: pulumi.Input[str] | None = None
    service: pulumi.Input[str] | None = None


@dataclass(frozen=True)
class Context:
    """Where a component puts its children: the stack's name, the namespace (known once it exists), and which
    of its pods go first."""

    stack: str
    namespace: pulumi.Input[str]
    priorities: Priorities = Priorities()


class Component(pulumi.ComponentResource):
    """A component of type ``slipway:index:<class name>`` whose children's names begin with its own."""

    def __init__(self, name: str, context: Context, opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(f"{names.PROJECT}:index:{type(self).__name__}", name, None, opts)
        self.name = name
        self.context = context

    def child(self, part: str) -> str:
        """The name of a part, in Pulumi and in Kubernetes alike."""
        return names.child(self.name, part)

    def options(self, **more: Any) -> pulumi.ResourceOptions:
        """Options of a child: this component is its parent."""
        return pulumi.ResourceOptions(parent=self, **more)

    def metadata(
        self, name: pulumi.Input[str], component: str | None = None, version: str | None = None
    ) -> meta.v1.ObjectMetaArgs:
        """Metadata of a child in the stack's namespace."""
        labels = names.labels(component or self.name, self.context.stack, version)
        return meta.v1.ObjectMetaArgs(name=name, namespace=self.context.namespace, labels=labels)

    def config_map(self, part: str, data: Mapping[str, str]) -> core.v1.ConfigMap:
        """A ConfigMap named by its content: what still runs keeps the one it started with."""
        name = f"{self.child(part)}-{names.content_hash(data)}"
        return core.v1.ConfigMap(
            self.child(part),
            metadata=self.metadata(name),
            data=dict(data),
            immutable=True,
            opts=self.options(),
        )

    def config_map_in_place(self, part: str, data: Mapping[str, str]) -> core.v1.ConfigMap:
        """A ConfigMap that keeps its name: for a program that reads it again while it runs (ADR 20)."""
        return core.v1.ConfigMap(
            self.child(part),
            metadata=self.metadata(self.child(part)),
            data=dict(data),
            opts=self.options(),
        )

    def derived(
        self, part: str, key: pulumi.Output[str], files: Mapping[str, Callable[[str], str]]
    ) -> core.v1.Secret:
        """A Secret whose files all follow from one secret."""
        return self.secret(
            part, {file: pulumi.Output.secret(key.apply(make)) for file, make in files.items()}
        )

    def secret(self, part: str, data: Mapping[str, pulumi.Input[str]]) -> core.v1.Secret:
        """A Secret named by its content: 40 bits of a hash do not tell secrets of 32 characters and more."""
        values: pulumi.Output[dict[str, str]] = pulumi.Output.secret(pulumi.Output.all(**data))
        name = pulumi.Output.unsecret(values.apply(names.content_hash)).apply(
            lambda digest: f"{self.child(part)}-{digest}"
        )
        return core.v1.Secret(
            self.child(part),
            metadata=self.metadata(name),
            string_data=values,
            immutable=True,
            opts=self.options(),
        )


def name_of(resource: Any) -> pulumi.Output[str]:
    """The Kubernetes name of a resource as an output; whoever uses it waits for the resource."""
    output: pulumi.Output[str] = resource.metadata.name
    return output
