"""app/contract.py against the service itself: nothing said that is not so, nothing so that is not said."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_core import PydanticUndefined

from app import contract, document, main, modules
from app.core import context, handlers, openapi
from app.core.errors import AppError
from app.core.jobs import runner
from app.core.monitoring import store
from app.core.tracing import spans
from app.settings import EnvironmentSettings, Settings

pytestmark = pytest.mark.unit
DOCKERFILE = (Path(contract.__file__).parent / "Dockerfile").read_text()
MODELS: dict[str | None, type[EnvironmentSettings]] = {None: Settings} | {
    name: module.settings for name, module in modules.REGISTRY.items()
}


def default_text(value: object) -> str | None:
    if value is PydanticUndefined:
        return None
    if isinstance(value, tuple):
        return ",".join(value)
    text = value.get_secret_value() if hasattr(value, "get_secret_value") else value
    return str(text).lower() if isinstance(text, bool) else str(text)


@pytest.mark.parametrize("module", MODELS)
def test_the_variables_are_the_settings_fields(module: str | None) -> None:
    fields = {
        name.upper(): (default_text(field.default), field.is_required(), "Secret" in str(field.annotation))
        for name, field in MODELS[module].model_fields.items()
    }
    listed = {
        variable.name: (variable.default, variable.required, variable.secret)
        for variable in contract.VARIABLES
        if variable.module == module
    }
    assert {name: (d, r) for name, (d, r, _) in fields.items()} == {
        n: (d, r) for n, (d, r, _) in listed.items()
    }
    assert {name for name, (*_, secret) in fields.items() if secret} == {
        n for n, (*_, s) in listed.items() if s
    }


def test_the_modules_are_the_registry() -> None:
    assert tuple(modules.REGISTRY) == contract.MODULES
    assert {variable.module for variable in contract.VARIABLES} <= {None, *contract.MODULES}


def kinds_of(kind: type[AppError]) -> Iterator[type[AppError]]:
    """The class and all below it; app.main has imported every module."""
    yield kind
    for below in kind.__subclasses__():
        yield from kinds_of(below)


def test_every_error_code_is_in_the_table_and_used() -> None:
    classes = [kind for kind in kinds_of(AppError) if kind.__module__.startswith(f"{main.__package__}.")]
    used = {kind.code for kind in classes} | set(handlers.HTTP_CODES.values())
    assert used == set(contract.ERROR_CODES)
    assert all(re.fullmatch(r"ERR_1[0-6]\d\d", code) for code in contract.ERROR_CODES)
    assert all(contract.ERROR_CODES[code][0] == status for status, code in handlers.HTTP_CODES.items())


def test_a_code_belongs_to_one_class_and_to_the_status_of_the_table() -> None:
    kinds = [kind for kind in kinds_of(AppError) if kind.__module__.startswith(f"{main.__package__}.")]
    codes = [kind.code for kind in kinds if "code" in vars(kind)]  # the others have their base's
    assert sorted(codes) == sorted(set(codes))
    assert all(issubclass(kind, AppError) and kind.__doc__ for kind in kinds)


def test_every_documented_code_is_one_of_the_table() -> None:
    named = {
        code
        for operation in openapi.operations(document.document())
        for response in operation[2]["responses"].values()
        for code in openapi.codes_of(response)
    }
    assert named <= set(contract.ERROR_CODES)
    assert set(contract.ERROR_CODES) - named == {
        "ERR_1004"
    }  # of a path without that method, so of no operation


def test_the_image_is_what_the_contract_says() -> None:
    assert f"EXPOSE {contract.PORT}" in DOCKERFILE
    assert f"USER {contract.USER_ID}:{contract.USER_ID}" in DOCKERFILE
    command = re.findall(r'CMD \["python3", "-m", "([\w.]+)"\]', DOCKERFILE)
    assert command == ["app.healthcheck", contract.COMMAND[-1]]


def test_a_change_of_the_code_makes_the_last_layer_only() -> None:
    instructions = [line for line in DOCKERFILE.splitlines() if line and not line.startswith((" ", "#"))]
    assert instructions[-1] == "COPY app /srv/app"
    assert not any(" app" in line for line in instructions[:-1] if line.startswith("COPY"))


def test_the_last_stage_has_no_build_tools() -> None:
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert "RUN" not in last
    assert "pip" not in last


def test_the_kubelet_waits_longer_than_a_check_takes() -> None:
    assert contract.PROBE_SECONDS < 3


def test_the_time_to_close_is_the_sum_of_what_closes_one_after_the_other() -> None:
    parts = 2 * runner.END_SECONDS + store.STOP_SECONDS + context.CLOSE_SECONDS
    assert parts == contract.CLOSING_SECONDS


def test_the_last_spans_take_no_longer_than_what_is_closed_beside_them() -> None:
    assert spans.CLOSE_SECONDS <= store.STOP_SECONDS + context.CLOSE_SECONDS
