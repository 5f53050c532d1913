"""The OpenAPI document as a page for people: operations by tag, types field by field, the error codes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from app.core.openapi import ANY, JSON, SECURE, WITH_BODY, Document, codes_of, common, operations

FIRST_ERROR = 400
LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "pattern": "`{}`",
}
HEAD = """<!-- made by `make generate` from the service's own OpenAPI document; do not edit -->
# The service's contract

The same as `/openapi.json` of a running service with every module. {about}

Every answer has the headers {headers}. An operation marked 🔒 needs `Authorization: Bearer …`.

An operation names the errors of its own. Beside them there may be

- of any: {any}
- with 🔒: {secure}
- with a body: {with_body}; with parameters: {parameters}
"""


def render(document: Document) -> str:
    """The page, ending with a line end."""
    names = ", ".join(f"`{name}`" for name in document["components"]["headers"])
    about = " ".join(document["info"]["description"].split())
    groups = {
        "any": ANY,
        "secure": SECURE,
        "with_body": WITH_BODY,
        "parameters": ("ERR_1001",),
    }
    links = {name: _links(codes) for name, codes in groups.items()}
    parts = [HEAD.format(about=about, headers=names, **links), *_operations(document), *_types(document)]
    return "\n".join([*parts, *_codes(document)]).rstrip() + "\n"


def _operations(document: Document) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for method, path, operation in operations(document):
        by_tag.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    for tag in sorted(by_tag):
        yield f"## {tag}\n"
        yield from by_tag[tag]


def _operation(method: str, path: str, operation: Document) -> str:
    lock = " 🔒" if operation.get("security") else ""
    lines = [
        f"### {method.upper()} {path}{lock}\n",
        _flat(str(operation.get("description", operation["summary"]))),
        "",
    ]
    if operation.get("parameters"):
        rows = (_parameter(parameter) for parameter in operation["parameters"])
        lines += [*_table(("parameter", "in", "type", "meaning"), rows), ""]
    if "requestBody" in operation:
        lines += [f"Takes {_bodies(operation['requestBody'])}", ""]
    codes: set[str] = set()
    for status, response in operation["responses"].items():
        if int(status) < FIRST_ERROR or not codes_of(response):
            lines += [f"`{status}` {_bodies(response)}", ""]
        codes.update(codes_of(response))
    own = codes - set(common(operation))
    return "\n".join([*lines, *([f"Errors: {_links(own)}", ""] if own else [])])


def _parameter(parameter: Document) -> tuple[str, ...]:
    name = f"`{parameter['name']}`" + (" *" if parameter.get("required") else "")
    schema = parameter["schema"]
    return name, parameter["in"], type_of(schema), parameter.get("description", schema.get("description", ""))


def _bodies(holder: Document) -> str:
    """Each content type with its type."""
    content = holder.get("content", {})
    shown = [(type_of(media.get("schema", {})), name) for name, media in content.items()]
    return (
        " or ".join(kind if name == JSON else f"{kind} as `{name}`" for kind, name in shown)
        or "without a body"
    )


def _types(document: Document) -> Iterator[str]:
    yield "## Types\n\nA field with * is always there or must be sent.\n"
    for name, schema in document["components"]["schemas"].items():
        yield f"### {name}\n"
        if schema.get("description"):
            yield f"{_flat(schema['description'])}\n"
        if "properties" not in schema:
            yield f"{type_of(schema)}\n"
            continue
        needed = schema.get("required", ())
        rows = (
            (f"`{field}`" + (" *" if field in needed else ""), type_of(part), part.get("description", ""))
            for field, part in schema["properties"].items()
        )
        yield "\n".join([*_table(("field", "type", "meaning"), rows), ""])


def _codes(document: Document) -> Iterator[str]:
    yield "## Error codes\n"
    rows = (
        (f'<a id="{code.lower()}"></a>`{code}`', str(said["status"]), said["meaning"])
        for code, said in document["x-error-codes"].items()
    )
    yield from _table(("code", "status", "meaning"), rows)


def type_of(schema: Document) -> str:
    """A schema in a few words: a link, a list, a choice or a plain type with its limits."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{re.sub(r'[^a-z0-9_-]', '', name.lower())})"
    for name in ("anyOf", "oneOf", "allOf"):
        if name in schema:
            return " or ".join(dict.fromkeys(map(type_of, schema[name]))) + _default(schema)
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"`{value}`" for value in values) + _default(schema)
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}" + _limits(schema)
    if isinstance(schema.get("additionalProperties"), dict):
        return f"mapping to {type_of(schema['additionalProperties'])}"
    form = f" ({schema['format']})" if "format" in schema else ""
    return f"{schema.get('type', 'anything')}{form}{_limits(schema)}{_default(schema)}"


def _limits(schema: Document) -> str:
    said = [words.format(schema[name]) for name, words in LIMITS.items() if name in schema]
    return f", {', '.join(said)}" if said else ""


def _default(schema: Document) -> str:
    value: Any = schema.get("default")
    return "" if value is None else f", else `{json.dumps(value, ensure_ascii=False)}`"


def _links(codes: Iterable[str]) -> str:
    return ", ".join(f"[{code}](#{code.lower()})" for code in sorted(codes))


def _flat(text: str) -> str:
    return " ".join(text.split())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(_flat(cell).replace('|', '&#124;') for cell in row)} |"
