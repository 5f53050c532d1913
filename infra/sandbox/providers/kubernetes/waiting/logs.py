"""The last lines of a container, free of the secrets it was given."""

from __future__ import annotations

import textwrap
from typing import Any

from infra.sandbox.providers.kubernetes.cluster import Ref
from infra.sandbox.providers.kubernetes.rest import ApiError, UnreachableError
from infra.sandbox.providers.kubernetes.waiting.verdicts import Look
from infra.sandbox.providers.shared.values import Object, dig

LINES = 12
NOTHING = " and wrote nothing"


def last_lines(look: Look, pod: Object, container: str, *, previous: bool) -> str:
    """The end of a message: ``; its last lines:`` and the lines, masked."""
    ref = Ref("v1", "Pod", pod["metadata"]["namespace"], pod["metadata"]["name"])
    try:
        _learn(look, pod)
        text = look.cluster.log(ref, container, lines=LINES, previous=previous)
        if not text.strip() and previous:
            text = look.cluster.log(ref, container, lines=LINES, previous=False)
    except (ApiError, UnreachableError):
        return ""
    if not text.strip():
        return NOTHING
    return "; its last lines:\n" + textwrap.indent(look.masks.clean(text.strip("\n")), "    ")


def _learn(look: Look, pod: Object) -> None:
    """Remember the values of the Secrets a pod uses: it may print what this run never sent."""
    for name in sorted(_secret_names(pod["spec"])):
        secret = look.cluster.get(Ref("v1", "Secret", pod["metadata"]["namespace"], name))
        if secret is not None:
            look.masks.learn_secret(secret)


def _secret_names(spec: Object) -> set[str]:
    found: set[str] = set()
    for container in [*spec.get("initContainers", []), *spec.get("containers", [])]:
        found |= {dig(env, "valueFrom.secretKeyRef.name", "") for env in container.get("env", [])}
        found |= {dig(env, "secretRef.name", "") for env in container.get("envFrom", [])}
    for volume in spec.get("volumes", []):
        sources: list[Any] = [volume, *dig(volume, "projected.sources", [])]
        found |= {dig(s, "secret.secretName", "") or dig(s, "secret.name", "") for s in sources}
    return found - {""}
