"""The kind that a URN tells. serving.py says which stacks are served."""

from __future__ import annotations

from infra.errors import UserError
from infra.sandbox.providers.shared.urns import logical_name, type_token

UNSUPPORTED_MODULES = frozenset({"helm.sh", "kustomize", "yaml"})


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
