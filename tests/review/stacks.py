"""Stacks before and after a change: programs that the real engine previews for the golden reviews."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

import pulumi
import pulumi_kubernetes as k8s
from pulumi.runtime import register_stack_transformation

from infra.components.aws.account import provider
from infra.components.aws.arguments import Account, BucketArguments
from infra.components.aws.bucket import BackupBucket
from infra.components.base import Component, Context
from infra.components.namespace import Namespace
from infra.components.postgres import Postgres
from infra.components.redis import Redis
from infra.program import POSTGRES_PASSWORDS, build
from infra.render.backup_keys import User
from infra.settings.secrets import SecretName
from tests.infra.mocks import SECRETS, settings

STACK = "ledger-prod"
REGION = "eu-central-1"
Program = Callable[[], None]
Change = Callable[[pulumi.ResourceTransformationArgs], pulumi.ResourceTransformationResult | None]
Allowed = Mapping[str, tuple[str, ...]]
QUIET: dict[str, Any] = {"monitoring": {"enabled": False}, "logs": {"enabled": False}}


def whole(secrets: Mapping[SecretName, str] | None = None, **sections: Any) -> Program:
    """The project's own program, without monitoring and logs unless they are asked for."""
    base: dict[str, Any] = {"modules": ["ledger"], "service": {"replicas": 2}, **QUIET}
    values = {**SECRETS, **(secrets or {})}

    def run() -> None:
        wanted = settings(STACK, **{**base, **sections})
        given = {name: pulumi.Output.secret(values[name]) for name in wanted.secret_names}
        for name, value in build(wanted, given).items():
            pulumi.export(name, value)

    return run


def changed(program: Program, change: Change) -> Program:
    """The program with a change to what it declares, as another version of it would have."""

    def run() -> None:
        register_stack_transformation(change)
        program()

    return run


def more_rights(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Prometheus may read every Secret, and no longer only its own."""
    if args.name != "prometheus-cluster-role":
        return None
    rule = {"api_groups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}
    rules: list[Any] = [*cast("list[Any]", args.props["rules"]), rule]
    return pulumi.ResourceTransformationResult({**args.props, "rules": rules}, args.opts)


def without_tls(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """The Ingress answers without TLS, which the project's own rules would refuse."""
    if args.name != "ingress-rules":
        return None
    cast("Any", args.props["spec"]).tls = None
    return pulumi.ResourceTransformationResult(args.props, args.opts)


def _provider() -> k8s.Provider:
    return k8s.Provider("cluster", context="elsewhere", enable_server_side_apply=True)


def stores(*, database: bool = True, names: Mapping[str, str] | None = None) -> Program:
    """A namespace with a cache, and a database unless it is left out; ``names`` of components: new ones."""
    called = {"postgres": "postgres", "redis": "redis", **(names or {})}

    def run() -> None:
        wanted = settings(STACK, modules=["ledger"], **QUIET)
        opts = pulumi.ResourceOptions(providers={"kubernetes": _provider()})
        context = Context(STACK, Namespace("stack", STACK, STACK, opts).namespace)
        values = {name: pulumi.Output.secret(SECRETS[name]) for name in SecretName}
        if database:
            passwords = {name: values[name] for name in POSTGRES_PASSWORDS}
            image = "postgres:15.14-bookworm"
            Postgres(called["postgres"], context, wanted.postgres, image, passwords, None, opts)
        password = values[SecretName.REDIS_PASSWORD]
        Redis(called["redis"], context, wanted.redis, "redis:7.0.15-bookworm", password, opts)

    return run


class Network(Component):
    """Closes a namespace and opens what is named: stands for a component that a review does not know."""

    def __init__(self, context: Context, allowed: Allowed, *, closed: bool, opts: Any) -> None:
        super().__init__("network", context, opts)
        rules: dict[str, dict[str, Any]] = {
            f"to-{name}": {
                "pod_selector": {"match_labels": {"app": name}},
                "ingress": [_from(clients)],
                "policy_types": ["Ingress"],
            }
            for name, clients in allowed.items()
        }
        if closed:
            rules["deny-all"] = {"pod_selector": {}, "policy_types": ["Ingress", "Egress"]}
        for name, spec in rules.items():
            made = self.child(name)
            k8s.networking.v1.NetworkPolicy(
                made, metadata=self.metadata(made), spec=spec, opts=self.options()
            )
        self.register_outputs({})


def _from(clients: tuple[str, ...]) -> dict[str, Any]:
    """Of an ingress rule who may come: everybody where nobody is named."""
    named = [{"pod_selector": {"match_labels": {"app": client}}} for client in clients]
    return {"from_": named, "ports": [{"port": 5432}]} if named else {"ports": [{"port": 5432}]}


def network(allowed: Allowed, *, closed: bool = True) -> Program:
    """NetworkPolicies alone."""

    def run() -> None:
        opts = pulumi.ResourceOptions(providers={"kubernetes": _provider()})
        Network(Context(STACK, STACK), allowed, closed=closed, opts=opts)

    return run


def config_map(data: Mapping[str, pulumi.Input[str]], name: str = "values") -> Program:
    """A ConfigMap ``values`` outside of any component; ``name``: in Pulumi."""

    def run() -> None:
        opts = pulumi.ResourceOptions(provider=k8s.Provider("cluster", enable_config_map_mutable=True))
        metadata = {"name": "values", "namespace": STACK}
        k8s.core.v1.ConfigMap(name, metadata=metadata, data=dict(data), opts=opts)

    return run


@dataclass(frozen=True)
class AtAws:
    """The bucket of backups at AWS; ``told``: a ConfigMap holds what only AWS knows of it."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    transformation: Change | None = None
    told: bool = False

    def program(self, url: str) -> Program:
        """The component on the moto server of that URL."""
        arguments = BucketArguments(**{"bucket": "ledger-backups", **self.changes})

        def run() -> None:
            if self.transformation:
                register_stack_transformation(self.transformation)
            opts = pulumi.ResourceOptions(providers={"aws": provider(Account(REGION, url))})
            bucket = BackupBucket("bucket", Context(STACK, "unused"), arguments, opts)
            if self.told:
                config_map({"KEY_ID": bucket.keys[User.WRITER].id, "LEVEL": "debug"})()

        return run


def opened(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    """Everybody may read the bucket."""
    if args.type_.endswith(":BucketPublicAccessBlock"):
        return pulumi.ResourceTransformationResult({**args.props, "block_public_policy": False}, args.opts)
    if args.type_.endswith(":BucketPolicy"):
        statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
        policy = pulumi.Output.json_dumps({"Version": "2012-10-17", "Statement": [statement]})
        return pulumi.ResourceTransformationResult({**args.props, "policy": policy}, args.opts)
    return None


def failing() -> None:
    """A program that ends before it has declared anything."""
    raise pulumi.RunError(
        "stacks/Pulumi.ledger-prod.yaml:7:3 service.replicas: is 0, and at least 1 is wanted"
    )
