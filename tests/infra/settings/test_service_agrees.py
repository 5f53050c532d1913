"""Whatever a stack file may say, the service accepts: ranges and words of the two never part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given

from app.contract import VARIABLES
from app.main import configure
from infra.render.generate import profile
from infra.render.service import SECRET_VARIABLES, environment
from infra.settings.leaves import Leaf, leaves
from infra.settings.model import Settings
from infra.settings.stack import Environment
from tests.infra.program.any_settings import settings

pytestmark = pytest.mark.unit
SECRETS = {
    "DATABASE_URL": "postgresql://service:Zx8rQm2Lw9Ks@127.0.0.1:5432/ledger",
    "REDIS_URL": "redis://:Zx8rQm2Lw9Ks@127.0.0.1:6379/0",
    "SECRET_KEY": "Zx8rQm2Lw9KsPd4TgVb7Ny1Hc6Jf3Xa5",
}
EVERYTHING = profile(Environment.SANDBOX)
NUMBERS = [
    leaf
    for leaf in leaves()
    if leaf.path[0] in {"service", "ledger", "dispatch", "tracing"} and leaf.least is not None
]


def with_value(model: Any, path: tuple[str, ...], value: Any) -> Any:
    """The model with one value changed, whatever the rules between two values say."""
    inner = with_value(getattr(model, path[0]), path[1:], value) if path[1:] else value
    return model.model_copy(update={path[0]: inner})


def accepted(variables: Mapping[str, str]) -> None:
    """Raises MisconfiguredError, with every problem, where the service would not start."""
    with pytest.MonkeyPatch.context() as patch:
        for name in SECRET_VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in {**variables, **SECRETS}.items():
            patch.setenv(name, value)
        configure()


@pytest.mark.parametrize("end", ["least", "most"])
@pytest.mark.parametrize("leaf", NUMBERS, ids=lambda leaf: leaf.key)
def test_the_service_takes_both_ends_of_every_range(leaf: Leaf, end: str) -> None:
    accepted(environment(with_value(EVERYTHING, leaf.path, getattr(leaf, end)), "1"))


@given(settings())
def test_the_service_takes_whatever_settings_validate(drawn: Settings) -> None:
    bundled = drawn.model_copy(update={"modules": EVERYTHING.modules})
    accepted(environment(bundled, "1"))


def test_a_stack_that_says_nothing_leaves_the_service_its_own_defaults() -> None:
    said = environment(profile(Environment.PROD), "unknown")
    profiled = {"MODULES", "DATABASE_POOL_SIZE", "DATABASE_MAX_OVERFLOW"}
    profiled |= {"OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"}  # of the stack's name
    own = {variable.name: variable.default for variable in VARIABLES if variable.name in said}
    assert {name: said[name] for name in own if name not in profiled} == {
        name: default for name, default in own.items() if name not in profiled
    }
