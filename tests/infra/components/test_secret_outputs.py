"""What a component hands on with a password in it stays a Pulumi secret."""

from __future__ import annotations

import pulumi
import pytest

from infra.components.base import Context
from infra.components.postgres import Postgres
from infra.components.redis import Redis
from infra.settings.secrets import SecretName
from tests.infra.mocks import running, settings

pytestmark = pytest.mark.unit
CONTEXT = Context("sandbox", "sandbox")


def word() -> pulumi.Output[str]:
    return pulumi.Output.secret("p@ss/word" * 4)


def database() -> Postgres:
    passwords = {name: word() for name in SecretName if name.startswith("postgres")}
    return Postgres("database", CONTEXT, settings().postgres, "localhost/postgres:1", passwords)


def test_both_database_addresses_are_secret() -> None:
    async def program() -> list[bool]:
        made = database()
        return [await url.is_secret() for url in (made.owner_url, made.service_url)]

    assert running(program) == [True, True]


def test_a_password_is_percent_encoded_in_an_address() -> None:
    async def program() -> str | None:
        return await database().service_url.future()

    word = "p%40ss%2Fword" * 4
    assert running(program) == f"postgresql://slipway_service:{word}@database.sandbox.svc:5432/slipway"


def test_the_cache_address_is_secret() -> None:
    async def program() -> bool:
        return await Redis("cache", CONTEXT, settings().redis, "localhost/redis:1", word()).url.is_secret()

    assert running(program) is True


def test_the_values_of_a_secret_are_marked_and_its_name_is_not() -> None:
    async def program() -> list[bool]:
        made = database().secret("auth2", {"key": word()})
        return [await made.string_data.is_secret(), await made.metadata.is_secret()]

    assert running(program) == [True, False]
