"""Another stack's backup on the running sandbox: its rows arrive, personal data and keys do not."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.engine import local_state
from infra.paths import ROOT
from infra.settings import check
from infra.settings.layers import stack_file
from tests.live.conftest import STACK, Kubectl
from tests.live.facts import eventually

pytestmark = [pytest.mark.live, pytest.mark.slow]
LENDER = "lender-dev"
PERSON, EMAIL = "user_whom_nobody_may_know", "somebody.real@example.com"
COMES = f"INSERT INTO users (clerk_user_id, email) VALUES ('{PERSON}', '{EMAIL}')"  # noqa: S608
Answer = subprocess.CompletedProcess[str]
Run = Callable[..., Answer]
Sql = Callable[..., str]


def lender_file() -> str:
    """A small stack with backups, on the sandbox's own cluster."""
    cluster = check.load(STACK, secrets=False).cluster
    sections = {
        "cluster": {"sandbox": True, "name": cluster.name, "network": cluster.network},
        "images": {"catalogue": "sandbox"},
        "service": {"replicas": 1},
        "backups": {"enabled": True, "bucket": "lender-backups", "scratch": "1Gi"},
    }
    return yaml.safe_dump({"config": {f"slipway:{name}": values for name, values in sections.items()}})


def command(folder: Path, *arguments: str) -> list[str]:
    return [str(ROOT / ".venv/bin/slipway"), "--stacks", str(folder), *arguments]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of both stacks' files."""
    made = tmp_path_factory.mktemp("stacks")
    shutil.copy2(stack_file(STACK), made)
    (made / f"Pulumi.{LENDER}.yaml").write_text(lender_file(), encoding="utf-8")
    return made


@pytest.fixture(scope="module")
def both(folder: Path, outputs: dict[str, Any]) -> Run:
    """``both(verb, …)``: slipway where it knows both stacks; it must succeed."""

    def run(*arguments: str) -> Answer:
        answer = subprocess.run(
            command(folder, *arguments), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer

    return run


@pytest.fixture(scope="module")
def sql(environment: dict[str, str], outputs: dict[str, Any]) -> Sql:
    """``sql(namespace, database, statement)`` as the superuser; the answer, unaligned."""

    def ask(namespace: str, database: str, statement: str) -> str:
        psql = ["psql", "--host=/run/postgresql", "--username=postgres", "--no-psqlrc", "-qAt"]
        pod = ["kubectl", "--namespace", namespace, "exec", "postgres-0", "--"]
        line = [*pod, *psql, f"--dbname={database}", f"--command={statement}"]
        answer = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout.strip()

    return ask


@pytest.fixture(scope="module")
def lender(both: Run, sql: Sql) -> Iterator[str]:
    """The other stack, up, with one person and a backup of it; the backup's id."""
    if local_state.file(LENDER).exists():
        pytest.fail(f"stack {LENDER} is on this machine already; run: slipway down {LENDER}")
    try:
        both("secrets", "rotate", "--all", LENDER)
        both("up", LENDER)
        sql(LENDER, "slipway", COMES)
        yield str(json.loads(both("backup", "now", LENDER, "--json").stdout)["backup"])
    finally:
        if local_state.file(LENDER).exists():
            both("down", LENDER)


def lent(kubectl: Kubectl) -> list[str]:
    """Secrets that a restore was lent."""
    names = kubectl("get", "secrets", "--output=name").split()
    return [name for name in names if name.startswith("secret/backup-restore-")]


def test_the_rows_arrive_with_other_data_in_the_place_of_personal_ones(
    lender: str, both: Run, sql: Sql, outputs: dict[str, Any], kubectl: Kubectl
) -> None:
    told = both("restore", STACK, "--from", LENDER, "--into", "borrowed").stdout
    try:
        assert f"{lender} is in the database borrowed, equal to its manifest; then its personal" in told
        found = sql(outputs["namespace"], "borrowed", "SELECT clerk_user_id, email FROM users")
        assert sql(LENDER, "slipway", "SELECT count(*) FROM users") == str(len(found.splitlines()))
        assert "@masked.invalid" in found
        assert PERSON not in found
        assert EMAIL not in found
    finally:
        sql(outputs["namespace"], "postgres", "DROP DATABASE IF EXISTS borrowed WITH (FORCE)")
    assert lent(kubectl) == []


def test_it_takes_the_live_database_s_place_and_is_taken_back(
    lender: str, both: Run, slipway: Run, sql: Sql, outputs: dict[str, Any]
) -> None:
    people = "SELECT count(*) FROM users WHERE email LIKE '%@masked.invalid'"
    both("restore", STACK, "--from", LENDER, "--backup", lender, "--yes")
    assert int(sql(outputs["namespace"], "slipway", people)) > 0
    both("restore", STACK, "--undo", "--yes")
    assert sql(outputs["namespace"], "slipway", people) == "0"
    both("restore", STACK, "--forget", "--yes")
    eventually(lambda: slipway("status").returncode == 0, "the service is healthy again")


def test_a_ctrl_c_leaves_neither_keys_nor_a_running_job(
    lender: str, folder: Path, kubectl: Kubectl, sql: Sql, outputs: dict[str, Any]
) -> None:
    line = command(folder, "restore", STACK, "--from", LENDER, "--into", "borrowed")
    with subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            (name,) = eventually(lambda: lent(kubectl), "the keys are lent")
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            process.kill()
    assert lent(kubectl) == []
    job = name.removeprefix("secret/")
    kubectl("wait", "--for=delete", f"job/{job}", "--timeout=60s")
    sql(outputs["namespace"], "postgres", "DROP DATABASE IF EXISTS borrowed WITH (FORCE)")
