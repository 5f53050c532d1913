"""Whom this plugin serves: the stacks sandbox and test…, and any other stack on a sandbox's cluster only."""

from __future__ import annotations

import re
from pathlib import Path

from infra import paths
from infra.errors import UserError
from infra.sandbox.config import API_URLS, KUBECONFIG_MARK
from infra.sandbox.providers.kubernetes import VERSION
from infra.sandbox.providers.kubernetes.kubeconfig import Entry, entry, given_paths
from infra.sandbox.providers.shared.urns import stack_of

SERVED_STACKS = re.compile(r"sandbox|test(?![a-z]).*")


def require(urn: str, foreign: str) -> None:
    """Raise UserError unless the URN's stack is served by its name, or ``foreign`` (why not) is empty."""
    stack = stack_of(urn)
    if not (foreign and stack) or SERVED_STACKS.fullmatch(stack):
        return
    plugin = "pulumi-resource-kubernetes on PATH is the sandbox's plugin"
    what = f"{plugin}, which serves no other cluster; {foreign}"
    remedy = (
        f"install the official plugin, pulumi plugin install resource kubernetes {VERSION}, "
        "and take infra/sandbox/providers/bin off PATH"
    )
    raise UserError.of(f"stack {stack}", what, remedy)


def foreign(given: str, *, context: str = "", cluster: str = "") -> str:
    """Why the kubeconfig is none that the sandbox wrote; empty where it is one.

    A sandbox that is not up has no kubeconfig: a stack of its own may be previewed without one.
    """
    if any(map(_awaited, given_paths(given) or ())):
        return ""
    try:
        return _unlike_ours(entry(given, context=context, cluster=cluster))
    except UserError as error:
        return error.problems[0].what


def _awaited(path: Path) -> bool:
    """Whether a sandbox's kubeconfig will be there and is not yet: nothing can be done without it."""
    folder = paths.state_dir() / "sandbox"
    return path.name == "kubeconfig" and path.parent.parent == folder and not path.exists()


def _unlike_ours(found: Entry) -> str:
    server = str(found.cluster.get("server") or "no server").rstrip("/")
    leads = f'context "{found.context}" leads to {server}'
    if server not in API_URLS:
        return leads
    extensions = found.cluster.get("extensions")
    marks = [item.get("name") for item in extensions or () if isinstance(item, dict)]
    if KUBECONFIG_MARK not in marks:
        return f"{leads} without the mark {KUBECONFIG_MARK}, which slipway up writes"
    return ""
