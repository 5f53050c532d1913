"""The kinds of Gateway API as its project publishes them."""

from __future__ import annotations

import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema_rs import Draft202012Validator

from infra.render.gateway import GROUP
from infra.sandbox import go

SOURCE = Path(__file__).parent / "definitions"
MODULE = "sigs.k8s.io/gateway-api"
KINDS = {"Gateway": "gateways", "HTTPRoute": "httproutes"}


@cache
def folder() -> Path:
    """Where the definitions of the standard channel lie, checked against go.sum."""
    command = [str(go.command()), "mod", "download", "-json", MODULE]
    found = subprocess.run(command, cwd=SOURCE, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
    return Path(json.loads(found.stdout)["Dir"]) / "config" / "crd" / "standard"


def file(kind: str) -> Path:
    """The definition of a kind."""
    return folder() / f"{GROUP}_{KINDS[kind]}.yaml"


@cache
def schema(kind: str) -> dict[str, Any]:
    """Of v1 as JSON Schema, with unknown keys refused, as the API server's strict validation does."""
    definition = yaml.safe_load(file(kind).read_text(encoding="utf-8"))
    (version,) = (each for each in definition["spec"]["versions"] if each["name"] == "v1")
    whole: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    whole["properties"]["metadata"] = {"type": "object"}  # the API server's own matter
    for name, properties in whole["properties"].items():
        if name != "metadata":
            _closed(properties)
    return whole


def _closed(schema: dict[str, Any]) -> None:
    if "properties" in schema:
        schema.setdefault("additionalProperties", False)
    for child in schema.get("properties", {}).values():
        _closed(child)
    if isinstance(schema.get("items"), dict):
        _closed(schema["items"])


def judge(manifest: dict[str, Any]) -> None:
    """Raises jsonschema_rs.ValidationError where the object is not what its kind's definition says."""
    Draft202012Validator(schema(manifest["kind"])).validate(manifest)
