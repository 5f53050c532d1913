"""metrics-server: what pods and nodes use, for `kubectl top` and the HPA; a part beside the API server.

The API server finds it by an APIService (docs/decisions/0035).
"""

from __future__ import annotations

import base64
from functools import partial

from infra.sandbox import addons, health, identities, readiness
from infra.sandbox.config import SandboxConfig
from infra.sandbox.identities import CLUSTER, METRICS
from infra.sandbox.kubeapi import Api, Object
from infra.sandbox.parts import Part
from infra.sandbox.tools import tool

PORT, SERVICE_PORT = 10261, 443
GROUP, VERSION = "metrics.k8s.io", "v1beta1"
API_SERVICE = f"{VERSION}.{GROUP}"
RESOLUTION_SECONDS = 15  # upstream's manifest; the HPA asks as often
KUBELET_SECONDS = 10  # below nine tenths of the resolution, as it demands
PATIENCE_SECONDS = 60.0
USER = f"slipway:{METRICS}"
_RBAC = addons.RBAC


def wanted(config: SandboxConfig) -> bool:
    """Whether the cluster says what its pods use."""
    return config.metrics


def part(config: SandboxConfig) -> Part:
    """Shows the certificate of its service; asks the kubelet with its own."""
    mine = identities.kubeconfig_file(config, METRICS)
    authority, certificate = config.pki / f"{CLUSTER}.crt", config.pki / f"{METRICS}.crt"
    flags = {
        "kubeconfig": mine,
        "authentication-kubeconfig": mine,
        "authorization-kubeconfig": mine,
        "bind-address": config.node_address,
        "secure-port": PORT,
        "tls-cert-file": certificate,
        "tls-private-key-file": config.pki / f"{METRICS}.key",
        "kubelet-preferred-address-types": "InternalIP",
        "kubelet-use-node-status-port": "true",
        "kubelet-request-timeout": f"{KUBELET_SECONDS}s",
        "metric-resolution": f"{RESOLUTION_SECONDS}s",
    }
    return Part(
        METRICS,
        (str(tool("metrics-server")), *(f"--{name}={value}" for name, value in flags.items())),
        health=lambda: health.https_answers(config.node_address, PORT, "/livez", authority),
        files=(mine, certificate, authority),
        environment={"GOMEMLIMIT": "96MiB"},
    )


PARTS = {METRICS: part}


def ensure_rights(api: Api) -> None:
    """What it may see and whom it may ask, and wait until that is in force: it ends for good when its first
    request is refused. Raises ApiError, or UserError after a minute."""
    readiness.wait_namespace(api)
    for manifest in rights():
        api.apply(manifest)
    for verb, resource, name in (("list", "nodes", ""), ("get", "configmaps", _AUTHENTICATION)):
        amiss = partial(readiness.right_amiss, api, USER, verb, resource, name)
        readiness.wait(f"rights of {USER}", PATIENCE_SECONDS, amiss, "kube-apiserver")


def ensure_served(config: SandboxConfig, api: Api) -> None:
    """Tell the API server where it is, and wait until it answers through that. Raises ApiError, or UserError
    after a minute."""
    for manifest in (service(), endpoints(config), api_service(config)):
        api.apply(manifest)
    readiness.wait(METRICS, PATIENCE_SECONDS, lambda: served_amiss(api), METRICS)


def served_amiss(api: Api) -> str | None:
    """None when the API server passes its requests on, otherwise why not."""
    found = api.get("APIService", API_SERVICE) or {}
    for condition in found.get("status", {}).get("conditions", []):
        if condition["type"] == "Available":
            return None if condition["status"] == "True" else str(condition.get("message", "not available"))
    return "the API server does not know it yet"


_AUTHENTICATION = "extension-apiserver-authentication"


def rights() -> list[Object]:
    """As upstream's manifests give them to its service account, for a user."""
    seen = [
        {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        {"apiGroups": [""], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]},
    ]
    read = [{"apiGroups": [GROUP], "resources": ["pods", "nodes"], "verbs": ["get", "list", "watch"]}]
    own, readers = f"slipway:{METRICS}", "system:aggregated-metrics-reader"
    reader = {
        **addons.named(f"{_RBAC}/v1", "RoleBinding", own, addons.SYSTEM),
        "roleRef": {"apiGroup": _RBAC, "kind": "Role", "name": f"{_AUTHENTICATION}-reader"},
        "subjects": [{"apiGroup": _RBAC, "kind": "User", "name": USER}],
    }
    aggregated = {f"{_RBAC}/aggregate-to-{role}": "true" for role in ("view", "edit", "admin")}
    return [
        {**addons.named(f"{_RBAC}/v1", "ClusterRole", own), "rules": seen},
        addons.user_binding(own, own, USER),
        addons.user_binding(f"{own}:auth-delegator", "system:auth-delegator", USER),
        reader,
        {
            **addons.named(f"{_RBAC}/v1", "ClusterRole", readers),
            "metadata": {"name": readers, "labels": aggregated},
            "rules": read,
        },
    ]


def service() -> Object:
    """Without a selector: it runs in no pod."""
    ports = [{"name": "https", "port": SERVICE_PORT, "targetPort": PORT, "protocol": "TCP"}]
    return {**addons.named("v1", "Service", METRICS, addons.SYSTEM), "spec": {"ports": ports}}


def endpoints(config: SandboxConfig) -> Object:
    """Where it is: the API server goes there itself (enable-aggregator-routing)."""
    labels = {"kubernetes.io/service-name": METRICS, "endpointslice.kubernetes.io/managed-by": "slipway"}
    return {
        **addons.named("discovery.k8s.io/v1", "EndpointSlice", METRICS, addons.SYSTEM),
        "metadata": {"name": METRICS, "namespace": addons.SYSTEM, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}],
        "endpoints": [{"addresses": [config.node_address], "conditions": {"ready": True}}],
    }


def api_service(config: SandboxConfig) -> Object:
    """The group in the API server, by a certificate of the cluster's authority."""
    authority = base64.b64encode((config.pki / f"{CLUSTER}.crt").read_bytes()).decode()
    spec = {
        "service": {"name": METRICS, "namespace": addons.SYSTEM, "port": SERVICE_PORT},
        "group": GROUP,
        "version": VERSION,
        "caBundle": authority,
        "groupPriorityMinimum": 100,
        "versionPriority": 100,
    }
    return {**addons.named("apiregistration.k8s.io/v1", "APIService", API_SERVICE), "spec": spec}
