"""Previews made by hand, as small as a test wants them."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from infra.review import formats, plan, report
from infra.review.findings import Told
from infra.review.form import Format
from infra.review.plan import Plan
from infra.review.report import Report
from infra.review.words import Commands

STACK = "ledger-prod"
HEAD = f"urn:pulumi:{STACK}::slipway::"
Inputs = Mapping[str, Any]


def urn(type_: str, name: str, *parents: str) -> str:
    """The URN of a resource below components."""
    return f"{HEAD}{'$'.join([*parents, type_])}::{name}"


def step(
    op: str,
    type_: str,
    name: str,
    old: Inputs | None = None,
    new: Inputs | None = None,
    *,
    part: str = "Service",
    paths: Collection[str] = (),
    **state: Any,
) -> dict[str, Any]:
    """One step as the engine writes it; ``part``: the component's type, named so in lower case."""
    parent = f"slipway:index:{part}" if part else ""
    made = urn(type_, name, *([parent] if part else []))
    above = {"parent": f"{HEAD}{parent}::{part.lower()}"} if part else {}
    sides = {
        side: {"urn": made, "custom": True, "type": type_, "inputs": dict(inputs), **above, **state}
        for side, inputs in (("oldState", old), ("newState", new))
        if inputs is not None
    }
    return {"op": op, "urn": made, **sides, "detailedDiff": {path: {"kind": "update"} for path in paths}}


def text(*steps: dict[str, Any], **more: Any) -> str:
    """A preview of these steps."""
    return json.dumps({"steps": list(steps), "changeSummary": {"same": 1}, **more})


def planned(*steps: dict[str, Any], **more: Any) -> Plan:
    """The same as a plan."""
    return plan.read(plan.document(text(*steps, **more), "preview.json"), STACK, "preview.json")


def reviewed(
    *steps: dict[str, Any], acknowledged: Collection[str] = (), policy: Collection[Told] = (), **more: Any
) -> Report:
    """The same as a report."""
    return report.build(planned(*steps, **more), policy, acknowledged)


def told(made: Report, form: Format = Format.TEXT) -> str:
    """A report as it is written."""
    return formats.render(made, form, Commands(digest="0" * 32))


def object_of(kind: str, name: str, **more: Any) -> dict[str, Any]:
    """A Kubernetes object's inputs."""
    return {"kind": kind, "metadata": {"name": name, "namespace": STACK}, **more}


def workload(
    kind: str = "Deployment", name: str = "service", replicas: int = 2, **spec: Any
) -> dict[str, Any]:
    """A workload of one container; ``spec``: more of the container, or of the pod where it is known there."""
    of_pod = {"volumes", "hostNetwork", "securityContext", "serviceAccountName", "containers"}
    container = {"name": "main", "image": "registry.example/service:1", **spec}
    pod = {"containers": [{key: held for key, held in container.items() if key not in of_pod}]}
    pod |= {key: held for key, held in spec.items() if key in of_pod}
    return object_of(kind, name, spec={"replicas": replicas, "template": {"spec": pod}})
