"""An example of what a JSON Schema describes: the author's, where there is none the plainest that fits."""

from __future__ import annotations

from typing import Any

BY_FORMAT = {
    "uuid": "0b0f6f6c-7d5e-4a0e-9d1b-2f8d1f0f8a11",
    "date": "2026-01-15",
    "date-time": "2026-01-15T10:30:00Z",
    "time": "10:30:00",
    "email": "someone@example.org",
    "uri": "https://example.org",
    "password": "correct horse battery staple",
    "binary": "",
}
WORD = "text"
MOST_DEPTH = 8  # of schemas that refer to themselves
Schema = dict[str, Any]


def example_of(schema: Schema, schemas: Schema, depth: int = MOST_DEPTH) -> Any:
    """One value; ``schemas`` are the components that "$ref" names. Patterns are not solved: a field with one
    needs an example of its own, which the tests of the document check."""
    if "$ref" in schema:
        return example_of(schemas[schema["$ref"].rsplit("/", 1)[-1]], schemas, depth)
    if "example" in schema:
        return schema["example"]
    for name in ("examples", "enum"):
        if schema.get(name):
            return schema[name][0]
    if "const" in schema:
        return schema["const"]
    for name in ("allOf", "anyOf", "oneOf"):
        if name in schema:
            return example_of(_first(schema[name]), schemas, depth)
    return _of_type(schema, schemas, depth)


def _first(choices: list[Schema]) -> Schema:
    """The first that is not null; null says nothing of a field."""
    return next((choice for choice in choices if choice.get("type") != "null"), choices[0])


def _of_type(schema: Schema, schemas: Schema, depth: int) -> Any:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        properties = schema.get("properties", {}) if depth else {}
        return {name: example_of(part, schemas, depth - 1) for name, part in properties.items()}
    if kind == "array":
        item = schema.get("items", {})
        return [example_of(item, schemas, depth - 1)] * max(1, schema.get("minItems", 1)) if depth else []
    if kind in {"integer", "number"}:
        return _number(schema)
    if kind == "boolean":
        return bool(schema.get("default", True))
    return _text(schema) if kind == "string" else None if kind == "null" else {}


def _number(schema: Schema) -> Any:
    least: Any = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    return schema["default"] if schema.get("default") is not None else max(1, least)


def _text(schema: Schema) -> str:
    text = str(schema.get("default") or BY_FORMAT.get(schema.get("format", ""), WORD))
    text = text * -(-schema.get("minLength", 0) // max(1, len(text))) or text
    return text[: schema.get("maxLength", len(text))]
