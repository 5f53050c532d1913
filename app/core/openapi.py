"""The OpenAPI document: what FastAPI knows of the routes, and what is true of all of them, added once.

Every operation gets the errors that the middleware may answer, an example of each of its bodies, and the ids
in its headers. The codes of an error response stand in its description, as ``documented`` writes them, and
its examples are named by them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from fastapi import FastAPI

from app import contract
from app.core.errors import ErrorBody
from app.core.openapi_examples import example_of

METHODS = ("get", "put", "post", "delete", "patch")
ANY = ("ERR_1000", "ERR_1103", "ERR_1300", "ERR_1400", "ERR_1401", "ERR_1600")
SECURE = ("ERR_1100", "ERR_1101", "ERR_1106", "ERR_1200", "ERR_1201")  # of every operation with a token
WITH_BODY = ("ERR_1001", "ERR_1005", "ERR_1006", "ERR_1007")
CODE = re.compile(r"ERR_\d{4}")
REFERENCE = re.compile(r"#/components/schemas/([\w.-]+)")
JSON = "application/json"
ERROR = {"$ref": "#/components/schemas/ErrorBody"}
HEADERS = {
    "X-Request-ID": "The caller's, where it is well-formed; else the trace id",
    "traceparent": "W3C Trace Context: the trace, and this service's span in it",
}
FASTAPIS_OWN = "HTTPValidationError"  # of the errors that it documents by itself; ours is ErrorBody
EXAMPLE: dict[str, Any] = ErrorBody.model_json_schema()["example"]
Document = dict[str, Any]


def install(app: FastAPI) -> None:
    """Makes ``app.openapi`` give the completed document; made once, the same in every process."""
    made: list[Document] = []

    def openapi() -> Document:
        if not made:
            made.append(complete(FastAPI.openapi(app)))
        return made[0]

    app.openapi = openapi  # type: ignore[method-assign]


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """(method, path, operation) of every operation, in the document's order."""
    for path, item in document["paths"].items():
        yield from ((method, path, item[method]) for method in METHODS if method in item)


def complete(document: Document) -> Document:
    """Adds to every operation what is true of it whatever it does."""
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    schemas["ErrorBody"] = ErrorBody.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["headers"] = {
        name: {"description": meaning, "schema": {"type": "string"}} for name, meaning in HEADERS.items()
    }
    document["x-error-codes"] = {
        code: {"status": status, "meaning": meaning}
        for code, (status, meaning) in contract.ERROR_CODES.items()
    }
    for schema in schemas.values():
        _restore_nulls(schema)
    for _, _, operation in operations(document):
        _add_errors(operation)
        _add_examples(operation, schemas)
        for response in operation["responses"].values():
            response["headers"] = response.get("headers", {}) | {
                name: {"$ref": f"#/components/headers/{name}"} for name in HEADERS
            }
    document["components"]["schemas"] = {name: schemas[name] for name in sorted(_reached(document))}
    return document


def _restore_nulls(schema: Document) -> None:
    """FastAPI drops nulls from the whole document, out of the authors' examples too."""
    if isinstance(schema.get("example"), dict):
        schema["example"] = dict.fromkeys(schema.get("required", ())) | schema["example"]


def _reached(document: Document) -> set[str]:
    """The names of the schemas that an operation uses, itself or through others."""
    schemas, reached = document["components"]["schemas"], set()
    waiting = set(REFERENCE.findall(json.dumps(document["paths"])))
    while waiting:
        name = waiting.pop()
        reached.add(name)
        waiting |= set(REFERENCE.findall(json.dumps(schemas[name]))) - reached
    return reached


def codes_of(response: Document) -> list[str]:
    """The codes that a response names."""
    return CODE.findall(response.get("description", ""))


def _add_errors(operation: Document) -> None:
    responses: Document = operation["responses"]
    named = [code for response in responses.values() for code in codes_of(response)]
    by_status: dict[str, list[str]] = {}
    for code in sorted({*named, *common(operation)}):
        by_status.setdefault(str(contract.ERROR_CODES[code][0]), []).append(code)
    for status, codes in by_status.items():
        own = responses.get(status, {})
        if own and not codes_of(own) and not _is_default(own):
            continue  # the route answers this status with a body of its own
        responses[status] = _error_response(status, codes)
    operation["responses"] = dict(sorted(responses.items()))


def _is_default(response: Document) -> bool:
    schema = response.get("content", {}).get(JSON, {}).get("schema", {})
    return str(schema.get("$ref", "")).endswith(FASTAPIS_OWN)


def common(operation: Document) -> Iterable[str]:
    """The codes that follow from what kind of operation it is."""
    yield from ANY
    if operation.get("security"):
        yield from SECURE
    if "requestBody" in operation:
        yield from WITH_BODY
    elif operation.get("parameters"):
        yield "ERR_1001"


def _error_response(status: str, codes: list[str]) -> Document:
    meanings = {code: contract.ERROR_CODES[code][1] for code in codes}
    examples = {
        code: {
            "summary": meaning,
            "value": EXAMPLE | {"error_code": code, "message": meaning, "details": {}},
        }
        for code, meaning in meanings.items()
    }
    response: Document = {
        "description": "; ".join(f"{code}: {meaning}" for code, meaning in meanings.items()),
        "content": {JSON: {"schema": ERROR, "examples": examples}},
    }
    if status in {"429", "503"}:
        response["headers"] = {
            "Retry-After": {"description": "Seconds", "schema": {"type": "integer", "minimum": 0}}
        }
    return response


def _add_examples(operation: Document, schemas: Document) -> None:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    for media in (media for body in bodies for media in body.get("content", {}).values()):
        if "schema" in media and "example" not in media and "examples" not in media:
            media["example"] = example_of(media["schema"], schemas)
    for parameter in operation.get("parameters", ()):
        if "example" not in parameter and "examples" not in parameter:
            parameter["example"] = example_of(parameter["schema"], schemas)
