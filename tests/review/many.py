"""Previews of many resources, made here: a file of five thousand is too large to be committed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.review.stacks import STACK

COUNT = 5_000
KINDS = ("ConfigMap", "Deployment", "Secret", "Service", "StatefulSet")
GROUPS = {"Deployment": "apps/v1", "StatefulSet": "apps/v1"}
PARTS = ("Service", "Postgres", "Redis", "Prometheus", "Tenant")


def document(count: int = COUNT) -> dict[str, Any]:
    """Every resource is updated, replaced, deleted or created, as its number says; always the same."""
    steps = [step for number in range(count) for step in _steps(number)]
    return {"steps": steps, "diagnostics": [], "changeSummary": {"update": count, "same": 0}}


def text(count: int = COUNT) -> str:
    """The same as the engine writes it."""
    return json.dumps(document(count), indent=4)


def _steps(number: int) -> Iterator[dict[str, Any]]:
    kind, part = KINDS[number % len(KINDS)], PARTS[number // 7 % len(PARTS)]
    op = ("update", "update", "update", "replace", "delete", "create")[number % 6]
    name, parent = f"{part.lower()}-{kind.lower()}-{number}", f"slipway:index:{part}"
    group = GROUPS.get(kind, "core/v1")
    head = f"urn:pulumi:{STACK}::slipway::"
    urn = f"{head}{parent}$kubernetes:{group}:{kind}::{name}"
    sides = {side: _state(urn, head, part, kind, name, version) for version, side in enumerate(SIDES)}
    wanted = {"create": SIDES[1:], "delete": SIDES[:1]}.get(op, SIDES)
    yield {"op": "refresh", "urn": urn, "oldState": sides["oldState"], "newState": sides["oldState"]}
    yield {"op": op, "urn": urn, **{side: sides[side] for side in wanted}, "detailedDiff": {}}


SIDES = ("oldState", "newState")


def _state(urn: str, head: str, part: str, kind: str, name: str, version: int) -> dict[str, Any]:
    inputs = {"kind": kind, "metadata": {"name": name, "namespace": STACK}, **_content(kind, name, version)}
    return {
        "urn": urn,
        "custom": True,
        "id": f"{STACK}/{name}",
        "type": urn.split("$")[1].rpartition("::")[0],
        "inputs": inputs,
        "outputs": {**inputs, "__inputs": inputs, "status": {"observed": "x" * 400}},
        "parent": f"{head}slipway:index:{part}::{part.lower()}",
        "stackTrace": [{"sourcePosition": f"project:///infra/program.py#{line}"} for line in range(20)],
    }


def _content(kind: str, name: str, version: int) -> dict[str, Any]:
    if kind == "ConfigMap":
        lines = "\n".join(f"{key}: {key * 7 % 11 + version * (key == 3)}" for key in range(20))
        return {"data": {"LEVEL": str(version), "file.yaml": lines}}
    if kind == "Secret":
        return {"stringData": "[secret]"}
    if kind == "Service":
        return {"spec": {"type": "ClusterIP", "ports": [{"port": 80 + version, "name": "http"}]}}
    container = {
        "name": "main",
        "image": f"registry.example/{name}:1.{version}",
        "env": [{"name": f"VARIABLE_{key}", "value": str(key)} for key in range(10)],
        "resources": {"requests": {"cpu": "100m", "memory": f"{64 * (version + 1)}Mi"}},
    }
    spec: dict[str, Any] = {"replicas": 2, "template": {"spec": {"containers": [container]}}}
    if kind == "StatefulSet":
        size = {"requests": {"storage": f"{10 + version}Gi"}}
        spec["volumeClaimTemplates"] = [{"metadata": {"name": "data"}, "spec": {"resources": size}}]
    return {"spec": spec}
