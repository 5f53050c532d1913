"""Pods that stand in for a stack's: its labels, namespaces and ports, and what tries connections."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.images import Catalogue, Image, reference
from tests.infra.network.evaluate import Address, Pod
from tests.infra.network.planned import Plan

PROGRAM = Path(__file__).parent / "program.py"
FOLDER = "/program"
UNNAMED = 8001
Data = dict[str, Any]


def listening(plan: Plan, component: str) -> list[int]:
    """The ports of a component: those it names, and those to which any link leads; one of its own where it
    has none."""
    pod = plan.pods[component]
    linked = {
        port.number
        for link in plan.declared
        for port in link.ports
        if port.number and plan.is_of(link.target, pod)
    }
    return sorted({number for _, number in pod.ports.values()} | linked) or [UNNAMED]


def manifests(plan: Plan, strangers: Iterable[str]) -> list[Data]:
    """Namespaces, the program, and a pod for each component and each stranger of the plan."""
    ends: dict[str, Pod] = {**plan.pods, **{name: _pod(plan, name) for name in strangers}}
    namespaces = sorted({pod.namespace for pod in ends.values()})
    program = PROGRAM.read_text(encoding="utf-8")
    made: list[Data] = [_object("v1", "Namespace", name) for name in namespaces]
    made += [
        _object("v1", "ConfigMap", "program", namespace) | {"data": {"program.py": program}}
        for namespace in namespaces
    ]
    for name, pod in ends.items():
        component = name.removeprefix("namesake of ")
        ports = listening(plan, component) if component in plan.pods else [UNNAMED]
        made.append(_stand_in(name, pod, ports))
    return made


def located(plan: Plan, pods: list[Data], node: str) -> Plan:
    """The plan with the true addresses of node and pods; the strangers are those that there are."""
    addresses = {pod["metadata"]["annotations"]["stands-in"]: pod["status"]["podIP"] for pod in pods}
    others = {
        name: replace(end, address=addresses[name])
        for name, end in plan.others.items()
        if isinstance(end, Pod) and name in addresses
    }
    ours = {name: replace(pod, address=addresses[name]) for name, pod in plan.pods.items()}
    return replace(plan, pods=ours, others={**others, "node": Address(node)})


def name_of(end: str) -> str:
    """The pod's name in the cluster."""
    return end.replace(" ", "-")


def _pod(plan: Plan, name: str) -> Pod:
    found = plan.others[name]
    assert isinstance(found, Pod), name
    return found


def _stand_in(name: str, pod: Pod, ports: list[int]) -> Data:
    security = {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    container = {
        "name": "program",
        "image": reference(Image.BACKUPS, Catalogue.SANDBOX),
        "command": ["python3", f"{FOLDER}/program.py", "listen", *map(str, ports)],
        "securityContext": security,
        # By the node, whom no policy keeps away: a pod that is ready has been reached by it.
        "readinessProbe": {"tcpSocket": {"port": ports[0]}, "periodSeconds": 1},
        "volumeMounts": [{"name": "program", "mountPath": FOLDER, "readOnly": True}],
    }
    spec = {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 999,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": [{"name": "program", "configMap": {"name": "program"}}],
    }
    made = _object("v1", "Pod", name_of(name), pod.namespace)
    made["metadata"] |= {
        "labels": dict(pod.labels),
        "annotations": {"stands-in": name},
    }
    return made | {"spec": spec}


def _object(version: str, kind: str, name: str, namespace: str = "") -> Data:
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": version, "kind": kind, "metadata": metadata}
