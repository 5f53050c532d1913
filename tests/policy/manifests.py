"""The fixtures of a rule: Kubernetes manifests and inputs of AWS, and what the rule finds in them.

A file's first document is ``{stack, findings}``; a manifest's ``pulumi`` holds the resource's options.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from infra.policy.plan import Plan
from infra.policy.planned import Options, Resource
from infra.settings.stack import StackName

FOLDER = Path(__file__).parent / "fixtures"
GROUP = {"v1": "core/v1"}


@dataclass(frozen=True)
class Fixture:
    """``findings``: resource, path, what and, where it is not the rule's own, remedy."""

    plan: Plan
    findings: list[dict[str, str]]


def read(path: Path) -> Fixture:
    """One fixture."""
    head, *documents = yaml.safe_load_all(path.read_text(encoding="utf-8"))
    stack = StackName.parse(head["stack"])
    resources = tuple(resource(document, str(stack)) for document in documents)
    return Fixture(Plan(str(stack), stack.environment, resources), head.get("findings", []))


def files(rule: str, kind: str) -> list[Path]:
    """The ``good`` or the ``bad`` fixtures of a rule."""
    return sorted((FOLDER / rule).glob(f"{kind}*.yaml"))


def resource(document: dict[str, Any], stack: str = "ledger-dev") -> Resource:
    """A manifest, or ``{type, name, properties}`` of AWS, as Pulumi plans it."""
    said = document.get("pulumi", {})
    options = Options(
        said.get("protect", False), said.get("retainOnDelete", False), tuple(said.get("ignoreChanges", ()))
    )
    if "type" in document:
        kind, name, properties = document["type"], document["name"], document["properties"]
    else:
        version = document["apiVersion"]
        kind = f"kubernetes:{GROUP.get(version, version)}:{document['kind']}"
        name = document["metadata"]["name"]
        properties = {key: value for key, value in document.items() if key != "pulumi"}
    return Resource(f"urn:pulumi:{stack}::slipway::{kind}::{name}", kind, name, properties, options)


def everything() -> Iterator[Resource]:
    """The resources of every fixture."""
    for path in sorted(FOLDER.glob("*/*.yaml")):
        yield from read(path).plan.resources
