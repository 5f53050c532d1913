"""Applies what every cluster holds (addons.py) and tells when the cluster can be used."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Sequence
from functools import partial

import httpx

from infra.errors import UserError
from infra.sandbox import addons, health
from infra.sandbox.config import SandboxConfig
from infra.sandbox.identities import CLUSTER
from infra.sandbox.kubeapi import Api, ApiError, Object

NEEDED_RIGHTS = (  # one of each part's, as a sign that its roles are in force
    ("system:kube-controller-manager", "get", "serviceaccounts"),
    ("system:kube-scheduler", "list", "pods"),
    ("system:kube-proxy", "list", "services"),
    ("slipway:provisioner", "list", "persistentvolumes"),
    ("kube-apiserver-kubelet", "get", "nodes"),
)
PROBES = "prober_probe_total{"
KUBELET_PORT = 10250
RIGHTS_PATIENCE_SECONDS = 60.0
NODE_PATIENCE_SECONDS = 60.0
DNS_PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.1


def client(config: SandboxConfig, url: str = "") -> Api:
    """The administrator's client of the API server, or of the kubelet at ``url``."""
    pki = config.pki
    authority, certificate, key = pki / f"{CLUSTER}.crt", pki / "admin.crt", pki / "admin.key"
    return Api(url or config.api_url, authority=authority, certificate=certificate, key=key)


def ensure_rights(api: Api, more: Sequence[Object] = ()) -> None:
    """What the cluster's own parts need before they can work, and wait until it is in force.

    A restarted API server says it is ready before it knows its roles again, and the controller manager ends
    for good when its first request is refused. Raises ApiError, or UserError after a minute.
    """
    for manifest in (*addons.rights(), *more):
        api.apply(manifest)
    for user, verb, resource in NEEDED_RIGHTS:
        wait(f"rights of {user}", RIGHTS_PATIENCE_SECONDS, partial(right_amiss, api, user, verb, resource))


def ensure(config: SandboxConfig, api: Api) -> None:
    """StorageClass and CoreDNS, whose image must be loaded by now. Raises ApiError."""
    wait_namespace(api)
    for manifest in (addons.storage_class(), *addons.dns(config)):
        api.apply(manifest)


def wait_namespace(api: Api) -> None:
    """Return when there is a kube-system. Raises UserError after a minute."""
    wait("kube-system", NODE_PATIENCE_SECONDS, lambda: _namespace_amiss(api))


def mark_unready(config: SandboxConfig) -> None:
    """Say of every pod of the node that it is not ready, before its kubelet starts again.

    What stands there is from before a stop or a reboot. The kubelet looks at each pod and reports anew; until
    then nobody shall take an old answer for a present one. Raises ApiError.
    """
    condition = {"type": "Ready", "status": "False", "reason": "KubeletStarts"}
    with client(config) as api:
        for pod in api.list("Pod", fieldSelector=f"spec.nodeName={config.node_name}")["items"]:
            if _ready(pod):
                metadata = pod["metadata"]
                api.patch_status("Pod", metadata["name"], metadata["namespace"], {"conditions": [condition]})


def _ready(pod: Object) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    return any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)


def _namespace_amiss(api: Api) -> str | None:
    return None if api.get("Namespace", addons.SYSTEM) else "the API server has not made it yet"


def wait_ready(config: SandboxConfig, api: Api, since: float) -> None:
    """Return when the node is ready and a name is resolved. Raises UserError with the reason of either.

    since: the kubelet's start in seconds since the epoch; an older report of the node says nothing.
    """
    wait("node", NODE_PATIENCE_SECONDS, lambda: node_amiss(api.get("Node", config.node_name), since))
    with client(config, f"https://{config.node_address}:{KUBELET_PORT}") as kubelet:
        wait("coredns", DNS_PATIENCE_SECONDS, lambda: _unprobed(kubelet) or dns_amiss(config, api))


def _unprobed(kubelet: Api) -> str | None:
    """What is amiss until CoreDNS has passed a readiness probe of this kubelet.

    A kubelet that has just started calls every running pod ready, then unready until it has probed it.
    """
    passed = ('container="coredns"', 'probe_type="Readiness"', 'result="successful"')
    counters = kubelet.text("/metrics/probes").splitlines()
    probed = any(all(label in line for label in passed) for line in counters if line.startswith(PROBES))
    return None if probed else "the kubelet has not probed it yet"


def node_amiss(node: Object | None, since: float = 0.0) -> str | None:
    """None when the node is Ready, otherwise the kubelet's own message."""
    if node is None:
        return "the kubelet has not registered the node yet"
    ready = [item for item in node.get("status", {}).get("conditions", []) if item["type"] == "Ready"]
    if not ready or _epoch(ready[0]["lastHeartbeatTime"]) < int(since):
        return "the kubelet has not reported yet"
    return None if ready[0]["status"] == "True" else str(ready[0].get("message", "not ready"))


def dns_amiss(config: SandboxConfig, api: Api) -> str | None:
    """None when CoreDNS is ready and resolves a service name at its service address, otherwise why not."""
    pods = api.list("Pod", addons.SYSTEM, labelSelector="k8s-app=kube-dns")["items"]
    if not any(_ready(pod) for pod in pods):
        return "; ".join(_pod_amiss(pod) for pod in pods) or "no pod was made yet"
    return health.dns_resolves(config.dns_address, "kubernetes.default.svc.cluster.local")


def _pod_amiss(pod: Object) -> str:
    for container in pod.get("status", {}).get("containerStatuses", []):
        waiting = container.get("state", {}).get("waiting")
        if waiting:
            return f"{waiting.get('reason')}: {waiting.get('message', '')}".strip(": ")
    return str(pod.get("status", {}).get("phase", "unknown"))


def right_amiss(api: Api, user: str, verb: str, resource: str, name: str = "") -> str | None:
    """None when the user may do that in kube-system, to the object of that name or to all of them."""
    asked = {"namespace": addons.SYSTEM, "verb": verb, "resource": resource, "name": name}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}}
    answer = api.create({**review, "spec": {"user": user, "resourceAttributes": asked}})
    return None if answer["status"]["allowed"] else f"may not {verb} {resource}"


def _epoch(stamp: str) -> float:
    return datetime.datetime.fromisoformat(stamp).timestamp()


def wait(name: str, patience: float, question: Callable[[], str | None], log: str = "kubelet") -> None:
    """Ask until nothing is amiss. Raises UserError after ``patience`` seconds, with what was amiss last and
    the part whose ``log`` says more."""
    deadline = time.monotonic() + patience
    while (amiss := _answered(question)) is not None:
        if time.monotonic() > deadline:
            raise UserError.of(
                name, f"is not ready after {patience:.0f} s: {amiss}", f"slipway sandbox logs {log}"
            )
        time.sleep(POLL_SECONDS)


def _answered(question: Callable[[], str | None]) -> str | None:
    """The answer; a server that refuses or is away for a moment is one more thing to wait for."""
    try:
        return question()
    except (ApiError, httpx.TransportError) as error:
        return f"{type(error).__name__}: {error}"
