"""The checks that modules declare, against the routes that they have; the commands of a release."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from app import contract, document
from app.core.checks import core_checks
from app.core.module import Module
from app.migrations.phases import Phase
from app.modules import REGISTRY
from app.settings import Settings

pytestmark = pytest.mark.unit
CORE = core_checks(Settings.model_construct(None, **document.NOWHERE))
IMAGE_FOLDER = Path(contract.__file__).parent


def test_no_two_checks_have_one_name() -> None:
    names = [
        check.name for part in (CORE, *(module.checks for module in REGISTRY.values())) for check in part
    ]
    assert len(names) > 20
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("module", REGISTRY.values(), ids=REGISTRY)
def test_the_checks_of_a_module_ask_each_of_its_routers(module: Module) -> None:
    asked = {check.path.partition("?")[0] for check in module.checks}
    for router in module.routers:
        paths = {
            route.path
            for route in router.routes
            if isinstance(route, APIRoute) and "GET" in (route.methods or ())
        }
        readable = {path for path in paths if "{" not in path}
        assert not readable or readable & asked, router.prefix


def test_every_check_asks_for_what_the_document_has() -> None:
    paths = document.document()["paths"]
    for check in (*CORE, *(check for module in REGISTRY.values() for check in module.checks)):
        path = check.path.partition("?")[0]
        assert path == "/openapi.json" or str(check.status) in paths[path]["get"]["responses"], check.name
        assert check.anonymous is (check.status == 401)


@pytest.mark.parametrize(
    "command", [contract.EXPAND_COMMAND, contract.CONTRACT_COMMAND, contract.SMOKE_COMMAND]
)
def test_the_commands_of_a_release_are_in_the_image(command: tuple[str, ...]) -> None:
    module = command[2].replace(".", "/")
    assert command[:2] == ("python", "-m")
    assert any((IMAGE_FOLDER.parent / path).is_file() for path in (f"{module}.py", f"{module}/__main__.py"))


def test_a_migration_command_is_named_by_its_phase() -> None:
    assert [command[-1] for command in (contract.EXPAND_COMMAND, contract.CONTRACT_COMMAND)] == list(Phase)
