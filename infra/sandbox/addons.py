"""What every cluster holds from the start: CoreDNS, the StorageClass, the rights of its own parts."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Callable
from functools import partial

from infra import images
from infra.errors import UserError
from infra.sandbox import health
from infra.sandbox.config import SandboxConfig
from infra.sandbox.identities import CLUSTER
from infra.sandbox.kubeapi import Api, Object
from infra.sandbox.provisioner import PROVISIONER, STORAGE_CLASS

SYSTEM = "kube-system"
DNS_PORT, DNS_HEALTH, DNS_READY, DNS_METRICS = 1053, 8080, 8181, 9153
DNS_UID = 65532
NEEDED_RIGHTS = (  # one of each part's, as a sign that its roles are in force
    ("system:kube-controller-manager", "get", "serviceaccounts"),
    ("system:kube-scheduler", "list", "pods"),
    ("system:kube-proxy", "list", "services"),
    ("slipway:provisioner", "list", "persistentvolumes"),
    ("kube-apiserver-kubelet", "get", "nodes"),
)
RIGHTS_PATIENCE_SECONDS = 60.0
NODE_PATIENCE_SECONDS = 60.0
DNS_PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1
_LABELS = {"k8s-app": "kube-dns"}
_RBAC = "rbac.authorization.k8s.io"

# No forwarding: no packet could reach another name server. What is not of the cluster does not exist.
# Two blocks, because within one block CoreDNS asks `template` before `kubernetes`.
COREFILE = f"""cluster.local:{DNS_PORT} in-addr.arpa:{DNS_PORT} ip6.arpa:{DNS_PORT} {{
    errors
    health :{DNS_HEALTH}
    ready :{DNS_READY}
    prometheus :{DNS_METRICS}
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        pods insecure
        ttl 5
    }}
    cache 5
    loadbalance
}}
.:{DNS_PORT} {{
    errors
    template ANY ANY . {{
        rcode NXDOMAIN
    }}
}}
"""


def client(config: SandboxConfig) -> Api:
    """The administrator's client of the cluster."""
    pki = config.pki
    authority, certificate, key = pki / f"{CLUSTER}.crt", pki / "admin.crt", pki / "admin.key"
    return Api(config.api_url, authority=authority, certificate=certificate, key=key)


def ensure_rights(api: Api) -> None:
    """What the cluster's own parts need before they can work, and wait until it is in force.

    A restarted API server says it is ready before it knows its roles again, and the controller manager ends
    for good when its first request is refused. Raises ApiError, or UserError after a minute.
    """
    for manifest in rights():
        api.apply(manifest)
    for user, verb, resource in NEEDED_RIGHTS:
        _wait(f"rights of {user}", RIGHTS_PATIENCE_SECONDS, partial(_right_amiss, api, user, verb, resource))


def ensure(config: SandboxConfig, api: Api) -> None:
    """StorageClass and CoreDNS, whose image must be loaded by now. Raises ApiError."""
    _wait("kube-system", NODE_PATIENCE_SECONDS, lambda: _namespace_amiss(api))
    for manifest in (storage_class(), *dns(config)):
        api.apply(manifest)


def _namespace_amiss(api: Api) -> str | None:
    return None if api.get("Namespace", SYSTEM) else "the API server has not made it yet"


def wait_ready(config: SandboxConfig, api: Api, since: float) -> None:
    """Return when the node is ready and a name is resolved. Raises UserError with the reason of either.

    since: the kubelet's start in seconds since the epoch; an older report of the node says nothing.
    """
    _wait("node", NODE_PATIENCE_SECONDS, lambda: node_amiss(api.get("Node", config.node_name), since))
    _wait("coredns", DNS_PATIENCE_SECONDS, lambda: dns_amiss(config, api))


def node_amiss(node: Object | None, since: float = 0.0) -> str | None:
    """None when the node is Ready, otherwise the kubelet's own message."""
    if node is None:
        return "the kubelet has not registered the node yet"
    ready = [item for item in node.get("status", {}).get("conditions", []) if item["type"] == "Ready"]
    if not ready or _epoch(ready[0]["lastHeartbeatTime"]) < int(since):
        return "the kubelet has not reported yet"
    return None if ready[0]["status"] == "True" else str(ready[0].get("message", "not ready"))


def rights() -> list[Object]:
    """RBAC of the API server towards the kubelet, and of the provisioner."""
    rules = [
        {
            "apiGroups": [""],
            "resources": ["persistentvolumes"],
            "verbs": ["get", "list", "watch", "create", "delete"],
        },
        {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": [""], "resources": ["events"], "verbs": ["create"]},
    ]
    role = {**_object(f"{_RBAC}/v1", "ClusterRole", "slipway:provisioner"), "rules": rules}
    return [
        _user_binding("slipway:kubelet-api", "system:kubelet-api-admin", "kube-apiserver-kubelet"),
        role,
        _user_binding("slipway:provisioner", "slipway:provisioner", "slipway:provisioner"),
    ]


def storage_class() -> Object:
    """The default class: a volume is made where its first pod is scheduled, and wiped with its claim."""
    return {
        **_object("storage.k8s.io/v1", "StorageClass", STORAGE_CLASS),
        "metadata": {
            "name": STORAGE_CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER,
        "volumeBindingMode": "WaitForFirstConsumer",
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": False,
    }


def dns(config: SandboxConfig) -> list[Object]:
    """CoreDNS as it runs on any cluster, under the restricted profile."""
    rules = [
        {"apiGroups": [""], "resources": ["services", "pods", "namespaces"], "verbs": ["list", "watch"]},
        {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
    ]
    ports: list[Object] = [
        {"name": "dns", "port": 53, "targetPort": DNS_PORT, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "targetPort": DNS_PORT, "protocol": "TCP"},
        {"name": "metrics", "port": DNS_METRICS, "targetPort": DNS_METRICS, "protocol": "TCP"},
    ]
    binding = _binding("slipway:coredns", "slipway:coredns")
    binding["subjects"] = [{"kind": "ServiceAccount", "name": "coredns", "namespace": SYSTEM}]
    return [
        _object("v1", "ServiceAccount", "coredns", SYSTEM),
        {**_object(f"{_RBAC}/v1", "ClusterRole", "slipway:coredns"), "rules": rules},
        binding,
        {**_object("v1", "ConfigMap", "coredns", SYSTEM), "data": {"Corefile": COREFILE}},
        {**_object("apps/v1", "Deployment", "coredns", SYSTEM), "spec": _dns_deployment()},
        {
            **_object("v1", "Service", "kube-dns", SYSTEM),
            "spec": {"clusterIP": config.dns_address, "selector": _LABELS, "ports": ports},
        },
    ]


def _dns_deployment() -> Object:
    return {
        "replicas": 1,
        "selector": {"matchLabels": _LABELS},
        "strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {
            "metadata": {
                "labels": _LABELS,
                # a changed Corefile makes new pods; nothing reloads it in place
                "annotations": {"slipway.dev/corefile": hashlib.sha256(COREFILE.encode()).hexdigest()[:12]},
            },
            "spec": {
                "serviceAccountName": "coredns",
                "priorityClassName": "system-cluster-critical",
                "dnsPolicy": "Default",
                "terminationGracePeriodSeconds": 10,
                "securityContext": {
                    "runAsNonRoot": True,
                    "runAsUser": DNS_UID,
                    "runAsGroup": DNS_UID,
                    "seccompProfile": {"type": "RuntimeDefault"},
                },
                "containers": [_dns_container()],
                "volumes": [{"name": "config", "configMap": {"name": "coredns"}}],
            },
        },
    }


def _dns_container() -> Object:
    return {
        "name": "coredns",
        "image": images.reference(images.Image.COREDNS, images.Catalogue.SANDBOX),
        "imagePullPolicy": "IfNotPresent",
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [
            {"name": "dns", "containerPort": DNS_PORT, "protocol": "UDP"},
            {"name": "dns-tcp", "containerPort": DNS_PORT, "protocol": "TCP"},
            {"name": "metrics", "containerPort": DNS_METRICS, "protocol": "TCP"},
        ],
        "resources": {"requests": {"cpu": "50m", "memory": "48Mi"}, "limits": {"memory": "128Mi"}},
        "livenessProbe": {"httpGet": {"path": "/health", "port": DNS_HEALTH}, "failureThreshold": 5},
        "readinessProbe": {"httpGet": {"path": "/ready", "port": DNS_READY}, "periodSeconds": 2},
        "startupProbe": {
            "httpGet": {"path": "/ready", "port": DNS_READY},
            "periodSeconds": 1,
            "failureThreshold": 60,
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "config", "mountPath": "/etc/coredns", "readOnly": True}],
    }


def dns_amiss(config: SandboxConfig, api: Api) -> str | None:
    """None when a service name is resolved at the service address, otherwise why CoreDNS does not do it."""
    amiss = health.dns_resolves(config.dns_address, "kubernetes.default.svc.cluster.local")
    if amiss is None:
        return None
    pods = api.list("Pod", SYSTEM, labelSelector="k8s-app=kube-dns")["items"]
    return "; ".join([amiss, *(_pod_amiss(pod) for pod in pods)])


def _pod_amiss(pod: Object) -> str:
    for container in pod.get("status", {}).get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            return f"{waiting.get('reason')}: {waiting.get('message', '')}".strip(": ")
    return str(pod.get("status", {}).get("phase", "unknown"))


def _right_amiss(api: Api, user: str, verb: str, resource: str) -> str | None:
    asked = {"namespace": SYSTEM, "verb": verb, "resource": resource}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}}
    answer = api.create({**review, "spec": {"user": user, "resourceAttributes": asked}})
    return None if answer["status"]["allowed"] else f"may not {verb} {resource}"


def _epoch(stamp: str) -> float:
    return datetime.datetime.fromisoformat(stamp).timestamp()


def _wait(name: str, patience: float, question: Callable[[], str | None]) -> None:
    deadline = time.monotonic() + patience
    while (amiss := question()) is not None:
        if time.monotonic() > deadline:
            raise UserError.of(
                name, f"is not ready after {patience:.0f} s: {amiss}", "slipway sandbox logs kubelet"
            )
        time.sleep(POLL_SECONDS)


def _object(version: str, kind: str, name: str, namespace: str = "") -> Object:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _binding(name: str, role: str) -> Object:
    reference = {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role}
    return {**_object(f"{_RBAC}/v1", "ClusterRoleBinding", name), "roleRef": reference}


def _user_binding(name: str, role: str, user: str) -> Object:
    subject = {"apiGroup": _RBAC, "kind": "User", "name": user}
    return {**_binding(name, role), "subjects": [subject]}
