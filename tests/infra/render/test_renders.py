"""Renders against the products' own parsers; tests/test_generated_files.py compares them with their files."""

from __future__ import annotations

import hashlib

import jinja2
import pytest

from infra.render import environment, generate, postgres, redis, validate
from infra.settings.stack import Environment

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("name", Environment)
def test_postgresql_itself_reads_the_memory_that_was_meant(name: Environment) -> None:
    settings = generate.profile(name).postgres
    text = postgres.files(settings)["postgresql.conf"]
    read = int(validate.postgres_accepts(text, "shared_buffers"))  # in pages of 8 KiB
    assert read * 8 == settings.memory.shared_buffers * 1024


def test_postgresql_refuses_a_parameter_it_does_not_know() -> None:
    with pytest.raises(validate.RenderError, match="shared_bufers"):
        validate.postgres_accepts("shared_bufers = 1MB\n", "port")


def test_the_start_script_is_sound_bash() -> None:
    validate.bash_accepts(postgres.files(generate.profile(Environment.PROD).postgres)["start.sh"])


def test_a_name_without_a_value_fails_the_render() -> None:
    with pytest.raises(jinja2.UndefinedError, match="directives"):
        environment.render("redis/redis.conf.j2")


def test_the_users_file_holds_a_hash_and_not_the_password() -> None:
    text = redis.users("p" * 40)
    assert "p" * 40 not in text
    assert f"#{hashlib.sha256(b'p' * 40).hexdigest()} " in text


def test_nothing_but_a_password_lets_anybody_in_over_the_network() -> None:
    text = postgres.files(generate.profile(Environment.PROD).postgres)["pg_hba.conf"]
    methods = {line.split()[-1] for line in text.splitlines() if line.startswith("host")}
    assert methods == {"scram-sha-256", "reject"}


def test_the_service_reaches_its_own_database_only_and_the_owner_those_it_makes_too() -> None:
    settings = generate.profile(Environment.PROD).postgres
    text = postgres.files(settings)["pg_hba.conf"]
    hosts = [line.split()[1:3] for line in text.splitlines() if line.startswith("host")]
    expected = [["all", settings.owner], [settings.database, settings.service_role], ["all", "all"]]
    assert hosts == expected


def test_the_owner_may_make_databases_and_end_the_services_connections_and_no_more() -> None:
    settings = generate.profile(Environment.PROD).postgres
    text = postgres.files(settings)["roles.sql"]
    rights = "NOSUPERUSER CREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
    assert f"ALTER ROLE {settings.owner} WITH LOGIN {rights}" in text
    assert f"GRANT {settings.service_role} TO {settings.owner};" in text
    assert "pg_signal_backend" not in text


def test_a_render_that_reads_back_differently_is_a_bug() -> None:
    with pytest.raises(validate.RenderError, match="read back differently: port"):
        validate.same("x.conf", {"port": "1"}, validate.assignments("port = 2\n", "="))
