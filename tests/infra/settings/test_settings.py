"""Merging, stack names, computed limits, and the vocabularies that two files share."""

from __future__ import annotations

import pytest

from app import contract
from infra import images, limits
from infra.render import service as service_render
from infra.render.generate import profile
from infra.settings.images import Catalogue
from infra.settings.merge import merge
from infra.settings.modules import BUNDLED, Module
from infra.settings.rules import sizes
from infra.settings.secrets import MIN_CHARS, SecretName, required
from infra.settings.service import LogLevel, Mode
from infra.settings.stack import Environment, StackName

pytestmark = pytest.mark.unit


def test_the_stack_file_wins_over_the_profile_key_by_key() -> None:
    assert merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}) == {"a": {"x": 1, "y": 3}}


def test_a_list_is_replaced_and_never_joined() -> None:
    assert merge({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}


@pytest.mark.parametrize("name", ["sandbox", "ledger-dev", "a-team-prod", "x-staging"])
def test_a_stack_name_is_parsed_once_and_given_back(name: str) -> None:
    assert str(StackName.parse(name)) == name


@pytest.mark.parametrize("environment", Environment)
def test_every_profile_is_sound(environment: Environment) -> None:
    assert profile(environment).stack.environment is environment


def test_only_the_sandbox_profile_goes_to_the_sandbox() -> None:
    assert [e for e in Environment if profile(e).cluster.sandbox] == [Environment.SANDBOX]


def test_the_development_token_exists_in_development_only() -> None:
    assert [mode for mode in Mode if SecretName.DEV_TOKEN in required(mode, [Module.LEDGER])] == [
        Mode.DEVELOPMENT
    ]


def test_quantities_are_read_in_bytes_and_millicores() -> None:
    assert limits.memory_bytes("512Mi") == 536_870_912
    assert [limits.cpu_millis(text) for text in ("250m", "2", "1.5")] == [250, 2000, 1500]


@pytest.mark.parametrize("environment", Environment)
def test_the_database_never_plans_more_memory_than_it_has(environment: Environment) -> None:
    settings = profile(environment).postgres
    memory = settings.memory
    planned = (
        memory.shared_buffers + settings.max_connections * limits.WORK_MEM_PER_CONNECTION * memory.work_mem
    )
    assert planned * limits.MIB <= settings.resources.memory_bytes


def test_the_words_of_the_two_catalogues_are_the_same() -> None:
    assert [word.value for word in Catalogue] == [word.value for word in images.Catalogue]


def test_infra_sets_every_variable_of_the_contract_and_no_other() -> None:
    secret = {variable.name for variable in contract.VARIABLES if variable.secret}
    plain = {variable.name for variable in contract.VARIABLES} - secret
    everything = profile(Environment.SANDBOX)
    assert set(everything.modules) == BUNDLED
    assert set(service_render.environment(everything, "1")) == plain
    assert set(service_render.SECRET_VARIABLES) == secret


def test_the_numbers_and_words_of_the_contract_stand_in_infra_too() -> None:
    assert service_render.PORT == contract.PORT
    assert (service_render.READINESS_PATH, service_render.LIVENESS_PATH) == (
        contract.READINESS_PATH,
        contract.LIVENESS_PATH,
    )
    assert service_render.MIGRATION_COMMAND == contract.MIGRATION_COMMAND
    assert service_render.MIGRATIONS[service_render.EXPAND] == contract.EXPAND_COMMAND
    assert service_render.MIGRATIONS[service_render.CONTRACT] == contract.CONTRACT_COMMAND
    assert service_render.SMOKE_COMMAND == contract.SMOKE_COMMAND
    assert (service_render.COMMAND, service_render.HEALTH_PATH) == (contract.COMMAND, contract.HEALTH_PATH)
    assert service_render.PROBE_TIMEOUT_SECONDS > contract.PROBE_SECONDS
    assert sizes.GRACEFUL_SECONDS == contract.GRACEFUL_SECONDS
    assert sizes.CLOSING_SECONDS == contract.CLOSING_SECONDS
    assert limits.SERVICE_CONNECTIONS == contract.PROBE_CONNECTIONS + contract.JOB_CONNECTIONS
    assert MIN_CHARS >= contract.SECRET_LENGTH
    assert tuple(mode.value for mode in Mode) == contract.ENVIRONMENTS
    assert {level.value for level in LogLevel} <= set(contract.LOG_LEVELS)
    assert {module.value for module in BUNDLED} == set(contract.MODULES)


def test_migrations_get_what_the_contract_says_and_nothing_else() -> None:
    variables = {*service_render.migration_environment(profile(Environment.DEV)), service_render.DATABASE_URL}
    assert variables == set(contract.MIGRATION_VARIABLES)
