"""Requests made from the OpenAPI document, right and wrong ones, to a running service: no fault of the
service, and no answer that the document does not foresee."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app import document
from tests.app.conftest import DEV_TOKEN
from tests.app.replicas import Service
from tests.app.servers import Postgres, RedisServer, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow]
EXAMPLES = 15  # of each operation and kind; the same in every run
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
SCHEMA = schemathesis.openapi.from_dict(document.document())
OPERATIONS = {found.ok().label: found.ok() for found in SCHEMA.get_all_operations() if isinstance(found, Ok)}
UNLIMITED = {f"RATE_LIMIT_PER_{span}": "1000000" for span in ("MINUTE", "HOUR", "DAY")}


@pytest.fixture(scope="module")
def url(postgres: Postgres, redis: RedisServer) -> Iterator[str]:
    """A service with every module and a user who may do everything."""
    service = Service(postgres, redis, MODULES="ledger,dispatch", **UNLIMITED)
    try:
        service.start()
        wait_for(lambda: service.readiness() == 200, "readiness")
        yield service.url
    finally:
        service.remove()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    """One connection for all requests, with the developer's token."""
    with requests.Session() as made:
        made.headers["Authorization"] = f"Bearer {DEV_TOKEN}"
        yield made


def takes_something(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    """Whether there is anything that may be wrong."""
    return bool(operation.body) or any(True for _ in operation.iter_parameters())


CASES = [(label, GenerationMode.POSITIVE) for label in OPERATIONS]
CASES += [(label, GenerationMode.NEGATIVE) for label, found in OPERATIONS.items() if takes_something(found)]


def has_wrong_body(case: Case[Any]) -> bool:
    """What is wrong may else be a parameter too many, which HTTP lets pass, or the token, which is added."""
    body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
    return body is not None and body.mode is GenerationMode.NEGATIVE


@pytest.mark.parametrize(("label", "mode"), CASES, ids=lambda value: getattr(value, "value", value))
def test_every_answer_is_one_that_the_document_foresees(
    url: str, session: requests.Session, label: str, mode: GenerationMode
) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(OPERATIONS[label].as_strategy(mode))
    def ask(case: Case[Any]) -> None:
        response = case.call(base_url=url, session=session)
        checks = [*CHECKS, negative_data_rejection] if has_wrong_body(case) else CHECKS
        case.validate_response(response, checks=checks)

    ask()


def test_every_operation_of_the_document_is_asked() -> None:
    assert len(OPERATIONS) == sum(len(item) for item in document.document()["paths"].values())
