"""What every cluster holds from the start: CoreDNS, the StorageClass, the rights of its own parts.

Data only; readiness.py applies them.
"""

from __future__ import annotations

import hashlib

from infra import images
from infra.sandbox.config import DNS_PORT, SandboxConfig
from infra.sandbox.kubeapi import Object
from infra.sandbox.provisioner import PROVISIONER, STORAGE_CLASS

SYSTEM = "kube-system"
DNS_HEALTH, DNS_READY, DNS_METRICS = 8080, 8181, 9153
DNS_UID = 65532
_LABELS = {"k8s-app": "kube-dns"}
RBAC = "rbac.authorization.k8s.io"

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
    role = {**named(f"{RBAC}/v1", "ClusterRole", "slipway:provisioner"), "rules": rules}
    return [
        user_binding("slipway:kubelet-api", "system:kubelet-api-admin", "kube-apiserver-kubelet"),
        role,
        user_binding("slipway:provisioner", "slipway:provisioner", "slipway:provisioner"),
    ]


def storage_class() -> Object:
    """The default class: a volume is made where its first pod is scheduled, and wiped with its claim."""
    return {
        **named("storage.k8s.io/v1", "StorageClass", STORAGE_CLASS),
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
        named("v1", "ServiceAccount", "coredns", SYSTEM),
        {**named(f"{RBAC}/v1", "ClusterRole", "slipway:coredns"), "rules": rules},
        binding,
        {**named("v1", "ConfigMap", "coredns", SYSTEM), "data": {"Corefile": COREFILE}},
        {**named("apps/v1", "Deployment", "coredns", SYSTEM), "spec": _dns_deployment()},
        {
            **named("v1", "Service", "kube-dns", SYSTEM),
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


def named(version: str, kind: str, name: str, namespace: str = "") -> Object:
    """The head of an object."""
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}


def _binding(name: str, role: str) -> Object:
    reference = {"apiGroup": RBAC, "kind": "ClusterRole", "name": role}
    return {**named(f"{RBAC}/v1", "ClusterRoleBinding", name), "roleRef": reference}


def user_binding(name: str, role: str, user: str) -> Object:
    """A ClusterRole for one of the cluster's own parts."""
    subject = {"apiGroup": RBAC, "kind": "User", "name": user}
    return {**_binding(name, role), "subjects": [subject]}
