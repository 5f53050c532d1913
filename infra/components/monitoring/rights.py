"""Service accounts of what asks the API server, and the roles that say how little it may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pulumi
from pulumi_kubernetes import core, meta, rbac

from infra import names
from infra.components.base import Component, name_of

GROUP = "rbac.authorization.k8s.io"
SYSTEM = "kube-system"
READ = ("get", "list", "watch")
SEE = ("list", "watch")


def reading(groups: Mapping[str, Sequence[str]], verbs: Sequence[str]) -> list[rbac.v1.PolicyRuleArgs]:
    """Rules for the kinds of each API group: group → plural names."""
    return [
        rbac.v1.PolicyRuleArgs(api_groups=[group], resources=list(kinds), verbs=list(verbs))
        for group, kinds in groups.items()
    ]


def path(path: str) -> rbac.v1.PolicyRuleArgs:
    """A rule for one path of the API server that is no object."""
    return rbac.v1.PolicyRuleArgs(non_resource_urls=[path], verbs=["get"])


class Account:
    """A part's own service account; its token is mounted where a container names it and nowhere else."""

    def __init__(self, owner: Component, part: str, prefix: str) -> None:
        """``prefix`` begins the Pulumi names; the objects in the cluster are called like the part."""
        self._owner, self._part, self._prefix = owner, part, prefix
        made = core.v1.ServiceAccount(
            f"{prefix}-account",
            metadata=owner.metadata(part, part),
            automount_service_account_token=False,
            opts=owner.options(),
        )
        self.name: pulumi.Output[str] = name_of(made)

    def in_namespace(self, rules: Sequence[rbac.v1.PolicyRuleArgs]) -> None:
        """What it may do with objects of the stack's own namespace."""
        owner, part = self._owner, self._part
        role = rbac.v1.Role(
            f"{self._prefix}-role",
            metadata=owner.metadata(part, part),
            rules=list(rules),
            opts=owner.options(),
        )
        rbac.v1.RoleBinding(
            f"{self._prefix}-binding",
            metadata=owner.metadata(part, part),
            role_ref=rbac.v1.RoleRefArgs(api_group=GROUP, kind="Role", name=name_of(role)),
            subjects=[self._subject()],
            opts=owner.options(),
        )

    def in_cluster(self, rules: Sequence[rbac.v1.PolicyRuleArgs]) -> None:
        """What it may do with objects that are in no namespace. Named by the stack: others have theirs."""
        owner = self._owner
        name = f"{owner.context.stack}-{self._part}"
        labels = names.labels(self._part, owner.context.stack)
        role = rbac.v1.ClusterRole(
            f"{self._prefix}-cluster-role",
            metadata=meta.v1.ObjectMetaArgs(name=name, labels=labels),
            rules=list(rules),
            opts=owner.options(),
        )
        rbac.v1.ClusterRoleBinding(
            f"{self._prefix}-cluster-binding",
            metadata=meta.v1.ObjectMetaArgs(name=name, labels=labels),
            role_ref=rbac.v1.RoleRefArgs(api_group=GROUP, kind="ClusterRole", name=name_of(role)),
            subjects=[self._subject()],
            opts=owner.options(),
        )

    def asked_by_the_api_server(self) -> None:
        """Leave to ask the API server who somebody is and what they may, as every API service must: it takes
        whom the API server sends (kubernetes.io, "Set up an Extension API Server")."""
        owner = self._owner
        name = f"{owner.context.stack}-{self._part}"
        labels = names.labels(self._part, owner.context.stack)
        rbac.v1.ClusterRoleBinding(
            f"{self._prefix}-delegator",
            metadata=meta.v1.ObjectMetaArgs(name=f"{name}-delegator", labels=labels),
            role_ref=rbac.v1.RoleRefArgs(api_group=GROUP, kind="ClusterRole", name="system:auth-delegator"),
            subjects=[self._subject()],
            opts=owner.options(),
        )
        reader = "extension-apiserver-authentication-reader"
        rbac.v1.RoleBinding(
            f"{self._prefix}-reader",
            metadata=meta.v1.ObjectMetaArgs(name=name, namespace=SYSTEM, labels=labels),
            role_ref=rbac.v1.RoleRefArgs(api_group=GROUP, kind="Role", name=reader),
            subjects=[self._subject()],
            opts=owner.options(),
        )

    def _subject(self) -> rbac.v1.SubjectArgs:
        namespace = self._owner.context.namespace
        return rbac.v1.SubjectArgs(kind="ServiceAccount", name=self.name, namespace=namespace)
