"""Rules on pods: the restricted profile of the Pod Security Standards, and tokens where they are used.

Source: kubernetes.io, "Pod Security Standards", of Kubernetes 1.34.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from infra.names import POD_SECURITY, PRIVILEGED, PRIVILEGED_BECAUSE, RESTRICTED
from infra.policy.plan import Container, Plan, Pod
from infra.policy.planned import UNKNOWN, at, differs, joined, mappings, text, texts
from infra.policy.rule import Breach, Rule, said, wanted

ROOT = 0
ADDABLE = frozenset({"NET_BIND_SERVICE"})
PROFILES = frozenset({"RuntimeDefault", "Localhost", UNKNOWN})
SHARED = ("hostNetwork", "hostPID", "hostIPC")
# What a restricted pod may mount; anything else is the node's or a server's of its own.
VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
DEFAULT_ACCOUNT = "default"


def _restricted(plan: Plan) -> Iterator[Pod]:
    """The pods of all namespaces but those that are declared privileged, with the reason."""
    yield from (pod for pod in plan.pods if pod.namespace not in plan.privileged)


def _as_root(plan: Plan) -> Iterator[Breach]:
    for pod in _restricted(plan):
        for container in pod.containers:
            path, value = container.security("runAsNonRoot")
            if differs(value, True):
                yield wanted(pod.resource, path, value, "true")
            path, value = container.security("runAsUser")
            if value == ROOT:
                yield Breach(pod.resource, path, "is 0, the user root")


def _on_the_node(plan: Plan) -> Iterator[Breach]:
    for pod in _restricted(plan):
        for key in SHARED:
            if differs(pod.spec.get(key) or False, False):
                yield Breach(pod.resource, joined(pod.path, key), "is true: the pod shares it with the node")
        for index, volume in mappings(pod.spec.get("volumes")):
            for kind in volume.keys() - VOLUMES - {"name"}:
                what = f"is a {kind} volume{_of_the_node(volume[kind])}"
                yield Breach(pod.resource, f"{joined(pod.path, 'volumes')}[{index}].{kind}", what)
        for container in pod.containers:
            yield from _through_the_node(container)


def _of_the_node(source: Any) -> str:
    path = at(source, "path")
    return f" of {path} on the node" if isinstance(path, str) and path != UNKNOWN else ""


def _through_the_node(container: Container) -> Iterator[Breach]:
    """Ports of the node, and the kubelet sent to other hosts (in the standard since Kubernetes 1.34)."""
    resource = container.pod.resource
    for index, port in mappings(container.data.get("ports")):
        if differs(port.get("hostPort") or 0, 0):
            what = f"is {port['hostPort']}: the port is taken on every node the pod may run on"
            yield Breach(resource, f"{container.path}.ports[{index}].hostPort", what)
    for key in PROBES:
        for way in ("httpGet", "tcpSocket"):
            host = at(container.data, key, way, "host")
            if host:
                what = f"{said('host', host)}: the kubelet would ask another host than the pod"
                yield Breach(resource, joined(container.path, key, way, "host"), what)


def _privileges(plan: Plan) -> Iterator[Breach]:
    for pod in plan.pods:
        for container in pod.containers:
            yield from _of_container(container)


def _of_container(container: Container) -> Iterator[Breach]:
    resource, security = container.pod.resource, joined(container.path, "securityContext")
    held = container.data.get("securityContext")
    if differs(at(held, "privileged") or False, False):
        yield Breach(resource, f"{security}.privileged", "is true: the container is root on the node")
    escalation = at(held, "allowPrivilegeEscalation")
    if differs(escalation, False):
        yield wanted(resource, f"{security}.allowPrivilegeEscalation", escalation, "false")
    dropped = at(held, "capabilities", "drop")
    if dropped != UNKNOWN and "ALL" not in texts(dropped):
        yield Breach(
            resource,
            f"{security}.capabilities.drop",
            f"{_listed(dropped)}, and [ALL] is wanted",
        )
    added = at(held, "capabilities", "add")
    if beyond := sorted(set(texts(added)) - ADDABLE):
        yield Breach(resource, f"{security}.capabilities.add", f"adds {', '.join(beyond)}")
    if differs(at(held, "procMount") or "Default", "Default"):
        yield wanted(resource, f"{security}.procMount", at(held, "procMount"), "Default")


def _listed(value: Any) -> str:
    return "is missing" if value is None else f"is [{', '.join(texts(value))}]"


def _seccomp(plan: Plan) -> Iterator[Breach]:
    for pod in plan.pods:
        for container in pod.containers:
            path, value = container.security("seccompProfile")
            if text(value, "type") not in PROFILES:
                yield wanted(pod.resource, f"{path}.type", at(value, "type"), "RuntimeDefault")


def _writable_root(plan: Plan) -> Iterator[Breach]:
    for pod in plan.pods:
        for container in pod.containers:
            value = at(container.data, "securityContext", "readOnlyRootFilesystem")
            if differs(value, True):
                path = joined(container.path, "securityContext", "readOnlyRootFilesystem")
                yield wanted(pod.resource, path, value, "true")


def _tokens(plan: Plan) -> Iterator[Breach]:
    bound = set(_accounts_with_rights(plan))
    for pod in plan.pods:
        account = text(pod.spec, "serviceAccountName")
        if UNKNOWN in (account, pod.namespace) or (pod.namespace, account) in bound:
            continue
        owner = f"the service account {account or DEFAULT_ACCOUNT}, which is given no right by this stack"
        mounted = pod.spec.get("automountServiceAccountToken")
        if differs(mounted, False):
            path = joined(pod.path, "automountServiceAccountToken")
            yield Breach(
                pod.resource, path, f"{said('', mounted)}: every container gets the token of {owner}"
            )
        for index, volume in mappings(pod.spec.get("volumes")):
            for source, projection in mappings(at(volume, "projected", "sources")):
                if "serviceAccountToken" in projection:
                    path = f"{joined(pod.path, 'volumes')}[{index}].projected.sources[{source}]"
                    yield Breach(pod.resource, path, f"mounts the token of {owner}")


def _accounts_with_rights(plan: Plan) -> Iterator[tuple[str | None, str | None]]:
    """Namespace and name of every service account that the plan binds to a role."""
    for binding in plan.objects("RoleBinding", "ClusterRoleBinding"):
        own = text(binding.properties, "metadata", "namespace")
        for _, subject in mappings(binding.properties.get("subjects")):
            if subject.get("kind") == "ServiceAccount":
                yield text(subject, "namespace") or own, text(subject, "name")


def _namespaces(plan: Plan) -> Iterator[Breach]:
    for found in plan.objects("Namespace"):
        path = joined("metadata", "labels", POD_SECURITY)
        level = at(found.properties, "metadata", "labels", POD_SECURITY)
        if level == PRIVILEGED and not at(found.properties, "metadata", "annotations", PRIVILEGED_BECAUSE):
            remedy = (
                f"annotate it with {PRIVILEGED_BECAUSE}: what runs there and why; or label it {RESTRICTED}"
            )
            yield Breach(found, path, f"is {PRIVILEGED}, and nothing says why", remedy)
        elif level != PRIVILEGED and differs(level, RESTRICTED):
            yield wanted(found, path, level, RESTRICTED)


RULES = (
    Rule(
        "namespaces-are-restricted",
        "A namespace enforces the restricted Pod Security profile, or is privileged and says why.",
        "What the API server refuses cannot be brought in by hand or by a chart either.",
        f"label it {POD_SECURITY}: {RESTRICTED}",
        _namespaces,
        alone=True,
    ),
    Rule(
        "pods-run-as-non-root",
        "Containers run as a user other than root.",
        "Root in a container is root on the node as soon as anything of the isolation fails.",
        "set runAsNonRoot: true and a runAsUser other than 0; what must be root goes to a namespace of its "
        f"own that is privileged and says why ({PRIVILEGED_BECAUSE})",
        _as_root,
    ),
    Rule(
        "pods-stay-off-the-node",
        "Pods use no network, process, folder, port or device of the node.",
        "Whoever takes over such a pod has the node, and with it every pod on it.",
        "take it out; what must read the node goes to a namespace of its own that is privileged and says why "
        f"({PRIVILEGED_BECAUSE})",
        _on_the_node,
    ),
    Rule(
        "containers-gain-no-privileges",
        "Containers are not privileged, gain nothing later, and drop every capability.",
        "A fault in the program then gives away what the program may do, and no more.",
        "set allowPrivilegeEscalation: false and capabilities.drop: [ALL]; add NET_BIND_SERVICE at most",
        _privileges,
        alone=True,
    ),
    Rule(
        "containers-have-a-seccomp-profile",
        "Containers run under a seccomp profile.",
        "It keeps them away from the system calls that most ways out of a container need.",
        "set seccompProfile.type: RuntimeDefault for the pod",
        _seccomp,
        alone=True,
    ),
    Rule(
        "containers-cannot-write-their-root",
        "The root file system of a container is read-only.",
        "Nobody can put a program there or change the one that runs.",
        "set readOnlyRootFilesystem: true and mount an emptyDir where the program writes",
        _writable_root,
        alone=True,
    ),
    Rule(
        "tokens-are-mounted-where-used",
        "A pod has a service account's token only where this stack gives that account a right.",
        "A token that opens nothing today opens whatever somebody grants it tomorrow.",
        "set automountServiceAccountToken: false; a program that asks the API server gets a service account "
        "and a Role of its own",
        _tokens,
    ),
)
