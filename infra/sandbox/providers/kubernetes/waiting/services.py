"""When a Service has somewhere to send to, and an Ingress the services it names."""

from __future__ import annotations

from infra.sandbox.providers.kubernetes.cluster import Ref
from infra.sandbox.providers.kubernetes.waiting.verdicts import Look, Pending, Ready, Verdict
from infra.sandbox.providers.shared.values import Object, dig

NO_TARGET = "no ready pod matches spec.selector"
NO_ADDRESS = "the cluster has not given the load balancer an address"


def service(look: Look) -> Verdict:
    """Ready with one ready endpoint; headless, ExternalName and selectorless Services are ready at once.

    A headless Service stands before the StatefulSet that needs it, so it cannot wait for that set's pods.
    """
    spec = look.live["spec"]
    if spec.get("type") == "ExternalName" or spec.get("clusterIP") == "None":
        return Ready()
    if spec.get("selector") and not _has_endpoint(look):
        return Pending("waiting for a ready pod to send to", (f"{NO_TARGET}: {_labels(spec['selector'])}",))
    if spec.get("type") == "LoadBalancer" and not dig(look.live, "status.loadBalancer.ingress"):
        return Pending("waiting for an address of the load balancer", (NO_ADDRESS,))
    return Ready()


def _labels(selector: Object) -> str:
    return ",".join(f"{key}={value}" for key, value in selector.items())


def _has_endpoint(look: Look) -> bool:
    meta = look.live["metadata"]
    slices = look.cluster.find(
        "discovery.k8s.io/v1",
        "EndpointSlice",
        meta["namespace"],
        labelSelector=f"kubernetes.io/service-name={meta['name']}",
    )
    endpoints = [endpoint for piece in slices for endpoint in piece.get("endpoints") or ()]
    return any(dig(endpoint, "conditions.ready", False) for endpoint in endpoints)


def ingress(look: Look) -> Verdict:
    """Ready when every Service it names exists; the sandbox has no controller to give it an address."""
    namespace = look.live["metadata"]["namespace"]
    missing = [
        n for n in sorted(_named(look.live)) if look.cluster.get(Ref("v1", "Service", namespace, n)) is None
    ]
    if not missing:
        return Ready()
    return Pending(f"waiting for service {', '.join(missing)}", (f"no such service: {', '.join(missing)}",))


def _named(obj: Object) -> set[str]:
    backends = [dig(obj, "spec.defaultBackend.service.name")]
    for rule in dig(obj, "spec.rules", []):
        backends += [dig(path, "backend.service.name") for path in dig(rule, "http.paths", [])]
    return {name for name in backends if name}
