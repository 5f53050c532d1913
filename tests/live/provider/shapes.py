"""The small objects that the cases are made of: pods that run, crash, or never start."""

from __future__ import annotations

from typing import Any

RUN = "trap exit TERM; while :; do sleep 1 & wait; done"
LOCKED_DOWN = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def container(image: str, script: str = RUN, **more: Any) -> dict[str, Any]:
    """A container that runs a bash script."""
    return {
        "name": "main",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["bash", "-c", script],
    } | more


def pod(main: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod's spec around a container."""
    return {
        "containers": [main],
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
    } | more


def template(app: str, main: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A pod template with the label ``app``."""
    return {"metadata": {"labels": {"app": app}}, "spec": pod(main, **more)}


def workload(app: str, main: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The spec of a Deployment, StatefulSet or DaemonSet (which must not have replicas)."""
    return {"selector": {"matchLabels": {"app": app}}, "template": template(app, main)} | more
