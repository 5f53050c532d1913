"""What somebody who minds security should look at: by kind, by field, by what a pod may do on its node."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from infra.review.plan import PROVIDER_TYPE, Object, Step
from infra.review.wording import listed, value

RBAC = frozenset({"Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding", "ServiceAccount"})
OF_KUBERNETES = RBAC | {
    "NetworkPolicy",
    "CiliumNetworkPolicy",
    "CiliumClusterwideNetworkPolicy",
    "Ingress",
    "Gateway",
    "HTTPRoute",
    "Secret",
    "Namespace",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
}
OF_BUCKETS = re.compile(
    r"^Bucket(Policy|PublicAccessBlock|OwnershipControls|Acl|ServerSideEncryption|Object)"
)
# Variables and files that say who may come, as whom, from where and how often.
ACCESS = re.compile(
    r"^(JWT_|AUTH|CLERK|LOGIN_|ALLOWED_ORIGINS|IP_ALLOW_LIST|TRUSTED_PROXIES|RATE_LIMIT|ENVIRONMENT$|CORS"
    r"|GF_AUTH|GF_SECURITY|GF_USERS)|(^|/)(pg_hba\.conf|pg_ident\.conf|users\.acl|roles\.sql|policy\.json)$"
)
OPEN_TYPES = ("NodePort", "LoadBalancer")
POD_PATHS = (("spec", "template", "spec"), ("spec", "jobTemplate", "spec", "template", "spec"), ("spec",))


def concerns(step: Step) -> bool:
    """Whether the resource as such is about who may do what."""
    if step.urn.type.startswith("kubernetes:"):
        return step.kind in OF_KUBERNETES
    if step.urn.type.startswith("aws:"):
        return step.urn.type.startswith(("aws:iam", "aws:kms")) or bool(OF_BUCKETS.match(step.kind))
    return step.urn.type.startswith(PROVIDER_TYPE)


def of_variable(name: str) -> bool:
    """Whether a variable or a file says who may come."""
    return bool(ACCESS.search(name))


def another_repository(before: Any, after: Any) -> bool:
    """Whether an image comes from elsewhere than before: a tag alone says what is newer, not whose it is."""
    return all(isinstance(side, str) for side in (before, after)) and repository(before) != repository(after)


def repository(image: str) -> str:
    """An image reference without tag and digest."""
    name = image.partition("@")[0]
    return name.rpartition(":")[0] if ":" in name.rpartition("/")[2] else name


def powers(step: Step) -> Iterator[str]:
    """What the pods of a new or changed workload may do beyond the restricted profile."""
    if not (pod := pod_of(step.new)):
        return
    before, now = set(_powers(pod_of(step.old))), list(_powers(pod))
    yield from (power for power in dict.fromkeys(now) if power not in before)


def pod_of(inputs: Object) -> Mapping[str, Any]:
    """A workload's pod specification; empty where there is none."""
    for path in POD_PATHS:
        found: Any = inputs
        for part in path:
            found = found.get(part) if isinstance(found, dict) else None
        if isinstance(found, dict) and "containers" in found:
            return found
    return {}


def _powers(pod: Mapping[str, Any]) -> Iterator[str]:
    for key, words in (("hostNetwork", "network"), ("hostPID", "processes"), ("hostIPC", "shared memory")):
        if pod.get(key) is True:
            yield f"its pods share the node's {words}"
    folders = [v["hostPath"].get("path") for v in _mappings(pod.get("volumes")) if _is_host_path(v)]
    if folders:
        yield f"its pods reach folders of the node: {listed(folders)}"
    if pod.get("automountServiceAccountToken") is True:
        yield "its pods hold a token for the API server"
    for container in (*_mappings(pod.get("containers")), *_mappings(pod.get("initContainers"))):
        yield from _container_powers(container)


def _container_powers(container: Mapping[str, Any]) -> Iterator[str]:
    context = container.get("securityContext")
    held: Mapping[str, Any] = context if isinstance(context, dict) else {}
    name = value(container.get("name"))
    if held.get("privileged") is True:
        yield f"container {name} is privileged"
    if held.get("allowPrivilegeEscalation") is True:
        yield f"container {name} may gain rights"
    if held.get("runAsUser") == 0 or held.get("runAsNonRoot") is False:
        yield f"container {name} may run as root"
    capabilities = held.get("capabilities")
    added = capabilities.get("add") if isinstance(capabilities, dict) else None
    if isinstance(added, list) and added:
        yield f"container {name} has the capabilities {listed(added)}"


def _is_host_path(volume: Mapping[str, Any]) -> bool:
    return isinstance(volume.get("hostPath"), dict)


def _mappings(items: Any) -> list[Mapping[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
