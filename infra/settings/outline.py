"""The model as one tree of JSON Schema without references; schema files and pages come from it."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from infra.settings.model import SECTIONS, Settings, defaults

Schema = dict[str, Any]


@cache
def sections() -> dict[str, Schema]:
    """Section name → its schema, without references; each key has the default of its own place.

    Raises ValueError where a key has no description.
    """
    whole, values = Settings.model_json_schema(), json.loads(json.dumps(defaults()))
    return {
        name: _plain((name,), whole["properties"][name], whole["$defs"], values[name]) for name in SECTIONS
    }


def closed(properties: dict[str, Schema]) -> Schema:
    """A mapping that may hold these keys and no others."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _plain(path: tuple[str, ...], node: Schema, definitions: dict[str, Schema], default: Any) -> Schema:
    """References resolved, the model's titles dropped, every default that of this place."""
    found = _resolved(node, definitions)
    if "description" not in found:
        raise ValueError(f"{'.'.join(path)}: has no description in infra/settings")
    if "properties" in found:
        inner = {
            name: _plain((*path, name), child, definitions, default[name])
            for name, child in found["properties"].items()
        }
        return {"description": found["description"], **closed(inner)}
    if "items" in found:
        item = found["items"] = _item(path, found["items"], definitions)
        found.setdefault("examples", [_samples(item)])
    return {"description": found.pop("description"), **found, "default": default}


def _item(path: tuple[str, ...], node: Schema, definitions: dict[str, Schema]) -> Schema:
    """What a list holds: values, or mappings whose keys are described like any other."""
    found = _resolved(node, definitions)
    if "properties" not in found:
        return {key: value for key, value in found.items() if key != "description"}
    inner = {
        name: _plain((*path, name), child, definitions, child.get("default"))
        for name, child in found["properties"].items()
    }
    for name in found["required"]:
        del inner[name]["default"]
    example = {name: key["examples"][0] for name, key in inner.items()}
    return {**closed(inner), "required": found["required"], "examples": [example]}


def _samples(item: Schema) -> list[Any]:
    return list(item.get("examples") or item["enum"][:1])


def _resolved(node: Schema, definitions: dict[str, Schema]) -> Schema:
    """What a key says overrides what its type says; ``X | None`` becomes one schema of two types."""
    own = {key: value for key, value in node.items() if key not in {"$ref", "anyOf", "title", "default"}}
    if "$ref" in node:
        return {**_resolved(definitions[node["$ref"].rpartition("/")[2]], definitions), **own}
    if "anyOf" in node:
        kind, _ = node["anyOf"]  # the model has no other union than with None
        inner = _resolved(kind, definitions)
        words = {"enum": [*inner["enum"], None]} if "enum" in inner else {}
        return {**inner, "type": [inner["type"], "null"], **words, **own}
    return own
