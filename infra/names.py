"""Every name and label that a resource carries, derived in one place."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

PROJECT = "slipway"
SANDBOX = "sandbox"  # the stack of this machine
NAMESPACE_CHARS = 63  # RFC 1123, 2.1: a label
LOGS_SUFFIX = "-logs"
OPERATOR = "prometheus-operator"  # what a stack exports as its monitoring where that one has it
RECEIVER = "team"  # Alertmanager's, of all that people are to hear
LOGS_COLLECTOR = "logs-collector"
# kubernetes.io, "Pod Security Standards": hostPath is in neither of the two stricter ones.
POD_SECURITY, RESTRICTED, PRIVILEGED = "pod-security.kubernetes.io/enforce", "restricted", "privileged"
# On a privileged namespace: why what runs there needs it. Without the reason the level counts for nothing.
PRIVILEGED_BECAUSE = "slipway.dev/privileged-because"
HASH_CHARS = 10  # 40 bits: enough to tell versions of one object apart, too little to rebuild its content


def child(component: str, part: str) -> str:
    """The name of a component's part: ``postgres`` and ``config`` give ``postgres-config``."""
    return f"{component}-{part}"


def logs_namespace(namespace: str) -> str:
    """The namespace of what reads the nodes' files for a stack."""
    return f"{namespace}{LOGS_SUFFIX}"


def selector_labels(component: str) -> dict[str, str]:
    """What Services, Deployments and budgets select by. Immutable on a live Deployment: never add to it."""
    return {"app.kubernetes.io/part-of": PROJECT, "app.kubernetes.io/component": component}


def labels(component: str, stack: str, version: str | None = None) -> dict[str, str]:
    """The recommended labels (kubernetes.io, common labels), a superset of the selector's."""
    known = {"app.kubernetes.io/version": version} if version else {}
    return {
        **known,
        **selector_labels(component),
        "app.kubernetes.io/name": component,
        "app.kubernetes.io/instance": stack,
        "app.kubernetes.io/managed-by": "pulumi",
    }


def version_of(image: str) -> str:
    """An image reference's tag, or the beginning of its digest: what a label may hold (63 characters)."""
    name, _, digest = image.partition("@sha256:")
    tag = name.rpartition(":")[2] if ":" in name.rpartition("/")[2] else ""
    return (tag or digest[:12] or "unknown")[:63].strip("._-")


def content_hash(*parts: str | Mapping[str, str]) -> str:
    """Ten hex digits that change with any part. Mappings count by content, not by order."""
    digest = hashlib.sha256()
    for part in parts:
        pairs = [("", part)] if isinstance(part, str) else sorted(part.items())
        for key, value in pairs:
            for text in (key, value):
                digest.update(f"{len(text)}:".encode() + text.encode())
        digest.update(b";")
    return digest.hexdigest()[:HASH_CHARS]
