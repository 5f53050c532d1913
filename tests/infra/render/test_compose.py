"""docker-compose.dev.yml and .env.example: sound for Compose, with everybody else's commands."""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import contract
from app.core.problems import MisconfiguredError
from app.main import configure
from infra import images, versions
from infra.images import Image
from infra.paths import ROOT
from infra.render import compose, service
from infra.settings import local

pytestmark = pytest.mark.unit
TEXT = (ROOT / "docker-compose.dev.yml").read_text(encoding="utf-8")
FILE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
VALUES = dict(line.split("=", 1) for line in EXAMPLE.splitlines() if line and not line.startswith("#"))
REFERENCE = re.compile(r"(?<!\$)\$\{(\w+)(?::([-?])([^}]*))?\}")


def test_the_file_satisfies_the_schema_of_the_compose_specification() -> None:
    checker = Path(sys.executable).with_name("check-jsonschema")
    argv = [str(checker), "--builtin-schema", "vendor.compose-spec", str(ROOT / "docker-compose.dev.yml")]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stdout


def test_the_services_run_the_commands_of_the_image_and_of_slipway_dev() -> None:
    reload = [*service.RELOAD_COMMAND, shlex.join(service.COMMAND), "/srv/app"]
    assert SERVICES["api"]["command"] == reload
    assert SERVICES["migrate"]["command"] == list(contract.MIGRATION_COMMAND)
    assert "./app:/srv/app:ro" in SERVICES["api"]["volumes"]
    assert "COPY app /srv/app" in (ROOT / "app" / "Dockerfile").read_text()


def test_the_images_are_those_of_the_public_catalogue() -> None:
    assert SERVICES["postgres"]["image"] == str(images.PUBLIC[Image.POSTGRES])
    assert SERVICES["redis"]["image"] == str(images.PUBLIC[Image.REDIS])


def test_the_service_starts_after_the_migrations_and_these_after_the_database() -> None:
    waits = {
        name: {other: how["condition"] for other, how in found.get("depends_on", {}).items()}
        for name, found in SERVICES.items()
    }
    assert waits["migrate"] == {"postgres": "service_healthy"}
    assert waits["api"] == {
        "postgres": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }
    assert {name for name, found in SERVICES.items() if "healthcheck" in found} == {"postgres", "redis"}


def test_only_the_service_is_reached_from_this_machine_and_from_nowhere_else() -> None:
    published = {name: found["ports"] for name, found in SERVICES.items() if "ports" in found}
    assert published == {"api": [f"127.0.0.1:${{PORT:-{contract.PORT}}}:{contract.PORT}"]}
    assert FILE["networks"]["data"] == {"internal": True}
    assert {name for name, found in SERVICES.items() if found["networks"] != ["data"]} == {"api"}


def test_every_named_volume_is_declared_and_used() -> None:
    used = {
        volume.partition(":")[0]
        for found in SERVICES.values()
        for volume in found.get("volumes", ())
        if not volume.startswith(".")
    }
    assert used == set(FILE["volumes"])


def test_the_api_gets_every_variable_of_the_contract_and_no_other() -> None:
    assert set(SERVICES["api"]["environment"]) == {variable.name for variable in contract.VARIABLES}
    assert set(SERVICES["migrate"]["environment"]) == set(contract.MIGRATION_VARIABLES)


def test_the_example_names_every_variable_of_the_contract_and_every_one_that_compose_asks_for() -> None:
    asked = {match[1] for match in REFERENCE.finditer(TEXT)}
    asked |= {secret["environment"] for secret in FILE["secrets"].values()}
    assert set(VALUES) == asked | {variable.name for variable in contract.VARIABLES}


def test_the_defaults_of_the_two_files_are_the_same() -> None:
    defaults = {match[1]: match[3] for match in REFERENCE.finditer(TEXT) if match[2] == "-"}
    assert {name: VALUES[name].strip('"') for name in defaults} == defaults


def test_nothing_starts_with_a_secret_that_is_not_filled_in() -> None:
    secret = {variable.name for variable in contract.VARIABLES if variable.secret}
    passwords = {name for name in VALUES if name.endswith("_PASSWORD")}
    assert {name for name in secret | passwords if VALUES[name]} == set()
    asked = {match[1] for match in REFERENCE.finditer(TEXT) if match[2] == "?"}
    assert asked == passwords | {"SECRET_KEY", "DEV_TOKEN"}


def test_the_service_itself_refuses_the_example_as_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in VALUES.items():
        monkeypatch.setenv(name, value.strip('"'))
    with pytest.raises(MisconfiguredError) as refused:
        configure()
    assert {problem.where for problem in refused.value.problems} == {
        "SECRET_KEY",
        "DATABASE_URL",
        "REDIS_URL",
    }


def test_the_command_that_makes_a_secret_makes_one_that_an_address_can_hold() -> None:
    (command,) = set(re.findall(r"^# make one: (.+)$", EXAMPLE, re.MULTILINE))
    made = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout.strip()
    assert re.fullmatch(r"[\w-]{64}", made)


def test_every_option_of_postgresql_is_one_that_it_knows() -> None:
    server = f"/usr/lib/postgresql/{versions.POSTGRES_MAJOR}/bin/postgres"
    listing = subprocess.run([server, "--describe-config"], capture_output=True, text=True, check=True)
    known = {line.split("\t")[0] for line in listing.stdout.splitlines()}
    options = [option.partition("=")[0] for option in compose.tuning(local.settings())]
    assert {option.lower() for option in options} <= {name.lower() for name in known}
    assert "data_directory" not in options


def test_redis_starts_with_its_password_from_standard_input(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = tmp_path / "redis.conf"
    text: str = FILE["configs"]["redis"]["content"]
    moved = text.replace("port 6379", f"port {port}").replace("dir /data", f"dir {tmp_path}")
    config.write_text(f"{moved}\nbind 127.0.0.1\n")
    *shell, start = SERVICES["redis"]["command"]
    command = start.replace("$$", "$").replace("/etc/slipway/redis.conf", str(config))
    environment = {"PATH": "/usr/bin:/bin", "REDIS_PASSWORD": "kept-out-of-arguments"}
    process = subprocess.Popen(
        [*shell, command], env=environment, stdout=subprocess.DEVNULL, start_new_session=True
    )
    try:
        check = SERVICES["redis"]["healthcheck"]["test"][1].replace("$$", "$")
        healthy = check.replace("redis-cli", f"redis-cli -p {port}")
        until = time.monotonic() + 20
        while subprocess.run(["sh", "-c", healthy], env=environment, check=False).returncode:
            assert time.monotonic() < until, "redis is not healthy"
            assert process.poll() is None
        bare = ["redis-cli", "-p", str(port), "ping"]
        answer = subprocess.run(bare, capture_output=True, text=True, check=False).stdout
        assert "NOAUTH" in answer
        assert "kept-out" not in Path(f"/proc/{process.pid}/cmdline").read_text()
    finally:
        os.killpg(process.pid, signal.SIGTERM)  # the shell and its pipeline
        process.wait(20)
