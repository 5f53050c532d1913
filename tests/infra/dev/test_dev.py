"""`slipway dev` from its first start to kill -9; the tests follow one another on one folder."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import urllib.parse

import httpx
import pytest

from infra.sandbox import processes
from infra.settings.secrets import SecretName
from tests.infra.dev.conftest import Dev, eventually

pytestmark = [pytest.mark.integration, pytest.mark.slow]
ENTRY = {"date": "2026-11-20", "description": "점심", "amount": "12000.00", "type": "expense"}


def variables(dev: Dev) -> dict[str, str]:
    """What `slipway dev env` prints, as a shell would read it."""
    lines = shlex.split(dev.command("env").stdout.replace("export ", ""))
    return dict(line.split("=", 1) for line in lines)


def kept(dev: Dev) -> list[str]:
    """The descriptions of the stored entries."""
    with dev.client() as client:
        answer = client.get("/transactions")
    assert answer.status_code == 200, answer.text
    return [entry["description"] for entry in answer.json()["items"]]


@pytest.mark.parametrize("what", ["token", "env"])
def test_before_the_first_start_there_is_nothing_to_show(dev: Dev, what: str) -> None:
    answer = dev.command(what)
    assert answer.returncode == 1
    assert "run first: slipway dev" in answer.stderr


def test_it_starts_healthy_and_serves_the_bearer_of_its_token(dev: Dev) -> None:
    dev.start()
    with dev.client() as client:
        assert client.get("/health").json()["status"] == "healthy"
        assert client.post("/transactions", json=ENTRY).status_code == 201
    assert kept(dev) == ["점심"]


def test_no_secret_is_shown_unasked(dev: Dev) -> None:
    folder = dev.root / "state" / "slipway" / "dev" / "secrets"
    values = [(folder / name.value).read_text() for name in SecretName if (folder / name.value).exists()]
    assert len(values) == 5
    assert [value for value in values if value in dev.said] == []
    assert "$(slipway dev token)" in dev.said


def test_the_services_role_may_not_change_the_schema_as_in_the_cluster(dev: Dev) -> None:
    address = urllib.parse.urlsplit(variables(dev)["DATABASE_URL"])
    argv = ["psql", "-XqAt", "-c", "CREATE TABLE intruder (id int)", address.geturl()]
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert "permission denied" in answer.stderr


def test_a_second_start_is_refused_and_names_the_first(dev: Dev) -> None:
    assert dev.process is not None
    answer = dev.command("--port", "1")
    assert answer.returncode == 1
    assert f"runs already: process {dev.process.pid}" in answer.stderr


def test_a_change_of_the_code_is_served(dev: Dev) -> None:
    health = dev.source / "app" / "core" / "health.py"
    text = health.read_text()
    assert '"healthy"' in text
    health.write_text(text.replace('"healthy"', '"changed"'))
    with dev.client() as client:
        eventually(lambda: said(client, "changed"), "the changed code is served")
        health.write_text(text)
        eventually(lambda: said(client, "healthy"), "the code as it was is served")


def said(client: httpx.Client, status: str) -> bool:
    """Whether /health answers with this status; a restarting service answers nothing."""
    try:
        return bool(client.get("/health").json().get("status") == status)
    except (httpx.TransportError, ValueError):
        return False


def test_code_that_cannot_start_is_waited_for(dev: Dev) -> None:
    contract = dev.source / "app" / "contract.py"
    text = contract.read_text()
    contract.write_text("this is no python\n")
    with dev.client() as client:
        eventually(lambda: not said(client, "healthy"), "the broken code serves nothing")
        contract.write_text(text)
        eventually(lambda: said(client, "healthy"), "the mended code is served")


def test_ctrl_c_leaves_no_process_and_says_that_the_data_stay(dev: Dev) -> None:
    family = dev.family
    assert len(family) >= 5, "slipway, PostgreSQL and its workers, Redis, the watcher, the service"
    assert dev.end(signal.SIGINT) == 0
    assert [process for process in family if process.alive()] == []
    assert "the data are kept" in dev.said
    assert "Traceback" not in dev.said.rpartition("KeyboardInterrupt caught")[2]


def test_a_port_that_is_taken_is_named_before_anything_starts(dev: Dev) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = dev.command("--port", str(port))
    assert answer.returncode == 2
    assert f"port {port}: is taken\n  → choose another: slipway dev --port {port + 1}" in answer.stderr


def test_a_folder_without_the_service_is_named(dev: Dev) -> None:
    answer = dev.command("--source", str(dev.root))
    assert answer.returncode == 2
    assert f"{dev.root}: holds no app/main.py" in answer.stderr


def test_kill_9_ends_the_others_and_the_next_start_finds_the_data(dev: Dev) -> None:
    dev.start()
    family = dev.family
    assert dev.end(signal.SIGKILL) != 0
    dev.start()
    assert [process for process in family if process.alive()] == []
    assert kept(dev) == ["점심"]


def test_servers_that_do_not_end_with_a_killed_run_are_ended_by_the_next(dev: Dev) -> None:
    family, records = dev.family, dev.root / "state" / "slipway" / "dev" / "run"
    stuck = [record for name in ("postgres", "redis") if (record := processes.load(records / f"{name}.json"))]
    assert len(stuck) == 2
    for record in stuck:
        os.kill(record.pid, signal.SIGSTOP)
    dev.end(signal.SIGKILL)
    assert all(record.identity.alive() for record in stuck)
    dev.start()
    assert [process for process in family if process.alive()] == []
    assert kept(dev) == ["점심"]


def test_fresh_begins_with_empty_data_and_sigterm_ends_it_too(dev: Dev) -> None:
    dev.end(signal.SIGTERM)
    dev.start("--fresh")
    assert kept(dev) == []
    family = dev.family
    assert dev.end(signal.SIGTERM) == 0
    assert [process for process in family if process.alive()] == []
