"""What a URN tells: the stack, the logical name, the kind; and which stacks this plugin serves."""

from __future__ import annotations

import re

from infra.errors import UserError
from infra.sandbox.providers.kubernetes import VERSION

SERVED_STACKS = re.compile(r"sandbox|test(?![a-z]).*")
UNSUPPORTED_MODULES = frozenset({"helm.sh", "kustomize", "yaml"})


def refuse_other_stacks(urn: str) -> None:
    """Raise UserError unless the URN's stack is ``sandbox`` or ``test``, ``test-…``, ``test1``."""
    stack = urn.removeprefix("urn:pulumi:").partition("::")[0]
    if stack and not SERVED_STACKS.fullmatch(stack):
        what = "pulumi-resource-kubernetes on PATH is the sandbox's plugin, which serves no other stack"
        remedy = (
            f"install the official plugin, pulumi plugin install resource kubernetes {VERSION}, "
            "and take infra/sandbox/providers/bin off PATH"
        )
        raise UserError.of(f"stack {stack}", what, remedy)


def logical_name(urn: str) -> str:
    """The resource's name in the program."""
    return urn.rpartition("::")[2]


def type_token(urn: str) -> str:
    """``kubernetes:apps/v1:Deployment``, without the types of the parents."""
    return urn.split("::")[2].rpartition("$")[2]


def kind_of(urn: str) -> tuple[str, str]:
    """apiVersion and kind of the resource. Raises UserError for what this plugin does not do."""
    token = type_token(urn)
    _, module, kind = token.split(":")
    group, _, version = module.partition("/")
    if group in UNSUPPORTED_MODULES or not version:
        raise _unsupported(urn, token, "list each object as a resource of its own")
    if kind.endswith("Patch"):
        raise _unsupported(urn, token, "declare the whole object, or import it")
    if kind.endswith("List"):
        raise _unsupported(urn, token, "declare the items as resources of their own")
    return (version if group == "core" else f"{group}/{version}"), kind


def _unsupported(urn: str, token: str, remedy: str) -> UserError:
    return UserError.of(logical_name(urn), f"the sandbox's plugin does not serve {token}", remedy)
