"""The OpenAPI document of all modules: whole in every operation, valid, and the same in every process."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
from typing import Annotated, Any

import pytest
from fastapi import FastAPI, Path
from jsonschema_rs import Draft202012Validator, meta
from pydantic import BaseModel

from app import contract, document
from app.core import openapi_page
from app.core.openapi import METHODS, codes_of, install, operations
from app.core.openapi_examples import example_of
from app.core.openapi_page import type_of

pytestmark = pytest.mark.unit
ROOT = pathlib.Path(contract.__file__).parent.parent
PAGE = ROOT / "docs" / "api.md"
DOCUMENT = document.document()
OPERATIONS = {f"{method.upper()} {path}": operation for method, path, operation in operations(DOCUMENT)}
FIRST_ERROR = 400


every = pytest.mark.parametrize("name", OPERATIONS)


def contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Every body of it, taken or given."""
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [media for body in bodies for media in body.get("content", {}).values()]


def codes(operation: dict[str, Any]) -> set[str]:
    return {code for response in operation["responses"].values() for code in codes_of(response)}


def test_no_path_has_a_method_that_is_not_walked() -> None:
    assert {method for item in DOCUMENT["paths"].values() for method in item} <= set(METHODS)
    assert len(OPERATIONS) >= 40


@every
def test_an_operation_has_a_tag_a_summary_and_a_description(name: str) -> None:
    operation = OPERATIONS[name]
    assert len(operation["tags"]) == 1
    assert operation["summary"]
    assert operation["description"].rstrip().endswith((".", ")")), name
    assert operation["operationId"]


@every
def test_every_body_and_parameter_has_an_example_that_fits_its_schema(name: str) -> None:
    operation = OPERATIONS[name]
    shown = [
        (media["schema"], example)
        for media in contents(operation)
        if "schema" in media
        for example in (
            [case["value"] for case in media["examples"].values()]
            if "examples" in media
            else [media["example"]]
        )
    ]
    shown += [(parameter["schema"], parameter["example"]) for parameter in operation.get("parameters", ())]
    assert shown or all("content" not in response for response in operation["responses"].values())
    for schema, example in shown:
        whole = schema | {"components": DOCUMENT["components"]}
        validator = Draft202012Validator(whole, validate_formats=True)
        problems = [
            f"{error.instance_path}: {error.message}"[:300] for error in validator.iter_errors(example)
        ]
        assert problems == []


@every
def test_every_error_is_the_one_body_with_an_example_for_each_code(name: str) -> None:
    for status, response in OPERATIONS[name]["responses"].items():
        if int(status) < FIRST_ERROR or (name.split()[1] in contract.PROBE_PATHS and not codes_of(response)):
            continue
        media = response["content"]["application/json"]
        assert media["schema"] == {"$ref": "#/components/schemas/ErrorBody"}
        assert list(media["examples"]) == codes_of(response)
        for code, example in media["examples"].items():
            assert example["value"]["error_code"] == code
            assert contract.ERROR_CODES[code][0] == int(status)


@every
def test_an_operation_names_the_errors_that_follow_from_its_kind(name: str) -> None:
    operation, found = OPERATIONS[name], codes(OPERATIONS[name])
    secure = "security" in operation
    body, parameters = "requestBody" in operation, bool(operation.get("parameters"))
    assert {"ERR_1000", "ERR_1103", "ERR_1400", "ERR_1401"} <= found
    own = name in {"GET /health", "GET /readiness"}  # whose 503 says more
    assert own or {"ERR_1300", "ERR_1600"} <= found
    assert ({"ERR_1100", "ERR_1101", "ERR_1200"} <= found) is secure
    assert {"ERR_1005", "ERR_1006", "ERR_1007"} <= found or not body
    assert "ERR_1001" in found or not (body or parameters)
    for response in operation["responses"].values():
        assert set(response["headers"]) >= {"X-Request-ID", "traceparent"}


def test_the_codes_stand_in_the_document_once_and_whole() -> None:
    assert {
        code: (said["status"], said["meaning"]) for code, said in DOCUMENT["x-error-codes"].items()
    } == contract.ERROR_CODES
    schema = DOCUMENT["components"]["schemas"]["ErrorBody"]["properties"]["error_code"]
    assert schema["enum"] == list(contract.ERROR_CODES)


def test_every_reference_leads_somewhere_and_nothing_is_left_over() -> None:
    text = str(DOCUMENT)
    for kind in ("schemas", "headers"):
        for name in DOCUMENT["components"][kind]:
            assert f"'#/components/{kind}/{name}'" in text, name
    assert "HTTPValidationError" not in text
    assert meta.is_valid({"$defs": DOCUMENT["components"]["schemas"]})


def test_the_security_scheme_is_a_bearer_token() -> None:
    schemes = DOCUMENT["components"]["securitySchemes"]
    assert [scheme["scheme"] for scheme in schemes.values()] == ["bearer"]
    used = {
        name for operation in OPERATIONS.values() for need in operation.get("security", ()) for name in need
    }
    assert used == set(schemes)


def test_the_document_is_the_same_in_every_process_and_reads_no_environment() -> None:
    command = [
        sys.executable,
        "-c",
        "import json; from app.document import document; print(json.dumps(document()))",
    ]
    written = {
        subprocess.run(
            command,
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "VERSION": seed, "MODULES": "ledger"},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(written) == 1


def test_the_page_names_every_operation_type_and_code() -> None:
    page = PAGE.read_text(encoding="utf-8")
    for name in OPERATIONS:
        assert f"### {name}" in page
    for name in DOCUMENT["components"]["schemas"]:
        assert f"\n### {name}\n" in page
    for code in contract.ERROR_CODES:
        assert f'<a id="{code.lower()}"></a>' in page


def test_the_page_is_written_where_it_differs_and_then_left_alone(
    tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "api.md"
    for _ in range(2):
        document.main(path)
    assert path.read_text(encoding="utf-8") == openapi_page.render(DOCUMENT)
    assert capsys.readouterr().err.count("wrote") == 1


@pytest.mark.parametrize(
    ("schema", "said", "example"),
    [
        ({"type": "integer", "minimum": 5, "maximum": 9}, "integer, ≥ 5, ≤ 9", 5),
        ({"type": "integer", "default": 20}, "integer, else `20`", 20),
        ({"type": "string", "format": "uuid"}, "string (uuid)", "0b0f6f6c-7d5e-4a0e-9d1b-2f8d1f0f8a11"),
        ({"type": "string", "minLength": 6}, "string, at least 6 characters", "texttext"),
        ({"type": "string", "maxLength": 2}, "string, at most 2 characters", "te"),
        ({"anyOf": [{"type": "null"}, {"type": "boolean"}]}, "null or boolean", True),
        ({"enum": ["a", "b"]}, "`a` or `b`", "a"),
        ({"const": 3}, "`3`", 3),
        (
            {"type": "array", "items": {"type": "null"}, "minItems": 2},
            "list of null, at least 2 items",
            [None] * 2,
        ),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "mapping to number", {}),
        ({}, "anything", {}),
        ({"type": "string", "examples": ["x"]}, "string", "x"),
        ({"$ref": "#/components/schemas/Again"}, "[Again](#again)", {"again": {"again": {"again": {}}}}),
    ],
)
def test_a_schema_in_words_and_by_example(schema: dict[str, Any], said: str, example: Any) -> None:
    again = {"properties": {"again": {"$ref": "#/components/schemas/Again"}}}
    assert type_of(schema) == said
    assert example_of(schema, {"Again": again}, depth=3) == example


def test_a_list_of_itself_ends() -> None:
    tree = {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}
    assert example_of(tree, {"Tree": tree}, depth=2) == [[[]]]


class Busy(BaseModel):
    """A body of its own for 503."""

    busy: bool


@pytest.fixture
def small() -> FastAPI:
    """A route that documents nothing but a 503 of its own, with an example of its own."""
    app = FastAPI(title="small", description="small")

    @app.post("/things/{number}", tags=["things"], responses={503: {"model": Busy}})
    async def make(
        number: Annotated[int, Path(openapi_examples={"three": {"value": 3}})], thing: Busy
    ) -> dict[str, int]:
        """Nothing."""
        return {"number": number}

    install(app)
    return app


def test_fastapis_own_errors_become_ours_and_a_routes_own_body_stays(small: FastAPI) -> None:
    responses = small.openapi()["paths"]["/things/{number}"]["post"]["responses"]
    ours, own = (
        responses[status]["content"]["application/json"]["schema"]["$ref"] for status in ("422", "503")
    )
    assert ours.endswith("/ErrorBody")
    assert own.endswith("/Busy")
    assert set(small.openapi()["components"]["schemas"]) == {"ErrorBody", "Busy"}


def test_an_authors_example_is_kept(small: FastAPI) -> None:
    (parameter,) = small.openapi()["paths"]["/things/{number}"]["post"]["parameters"]
    assert parameter["examples"] == {"three": {"value": 3}}
    assert "example" not in parameter


def test_the_document_is_made_once(small: FastAPI) -> None:
    assert small.openapi() is small.openapi()
