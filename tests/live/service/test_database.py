"""What the service may do in PostgreSQL, and what happens to data and readiness when PostgreSQL goes away."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from testinfra.host import Host

from tests.live.conftest import Kubectl
from tests.live.facts import eventually

pytestmark = pytest.mark.live
Objects = Callable[..., list[dict[str, Any]]]
ASK = """
import asyncio, asyncpg, os, sys
from urllib.parse import urlsplit
async def main():
    parts = urlsplit(os.environ["DATABASE_URL"].replace("+asyncpg", ""))
    user = sys.argv[2] if len(sys.argv) > 2 else parts.username
    try:
        connection = await asyncpg.connect(host=parts.hostname, port=parts.port or 5432, user=user,
                                           password=parts.password, database=parts.path[1:], timeout=5)
    except Exception as error:
        print(type(error).__name__)
        return
    try:
        print(await connection.fetchval(sys.argv[1]))
    except Exception as error:
        print(type(error).__name__)
    finally:
        await connection.close()
asyncio.run(main())
"""


@pytest.fixture
def ask(pod: Callable[[str], Host]) -> Callable[..., str]:
    """``ask(sql, user)``: one value, or the error's name, with the credentials of the service."""

    def run(sql: str, *user: str) -> str:
        words = " ".join(shlex.quote(word) for word in ("python3", "-c", ASK, sql, *user))
        return str(pod("service").check_output(words.replace("%", "%%")))

    return run


def test_the_service_is_no_superuser(ask: Callable[..., str]) -> None:
    sql = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user"
    assert ask(sql) == "False"


def test_the_superuser_cannot_log_in_over_the_network(ask: Callable[..., str]) -> None:
    refusals = {"InvalidAuthorizationSpecificationError", "InvalidPasswordError"}
    assert ask("SELECT 1", "postgres") in refusals


def test_the_service_cannot_change_the_schema(ask: Callable[..., str]) -> None:
    assert ask("CREATE TABLE public.intruder (id int)") == "InsufficientPrivilegeError"
    assert ask("DROP TABLE transactions") == "InsufficientPrivilegeError"


def test_passwords_are_kept_as_scram_verifiers(ask: Callable[..., str]) -> None:
    assert ask("SHOW password_encryption") == "scram-sha-256"


def test_rows_survive_a_killed_database_pod(api: httpx.Client, kubectl: Kubectl, objects: Objects) -> None:
    entry = {"date": "2026-11-20", "description": "survivor", "amount": "1200.50", "type": "expense"}
    created = api.post("/transactions", json=entry)
    assert created.status_code == 201, created.text
    path = f"/transactions/{created.json()['id']}"
    before = objects("pods", "app.kubernetes.io/name=postgres")[0]["metadata"]["uid"]
    kubectl("delete", "pod", "-l", "app.kubernetes.io/name=postgres", "--grace-period=0", "--force")
    eventually(lambda: ready_again(objects, before), "a new postgres pod is ready", 120)
    found = eventually(lambda: answer(api, path), "the row is served again")
    assert found["amount"] == "1200.50"
    assert api.delete(path).status_code == 204


def ready_again(objects: Objects, old_uid: str) -> bool:
    pods = objects("pods", "app.kubernetes.io/name=postgres")
    statuses = [
        s for p in pods if p["metadata"]["uid"] != old_uid for s in p["status"].get("containerStatuses", [])
    ]
    return bool(statuses) and all(status["ready"] for status in statuses)


def answer(api: httpx.Client, path: str) -> dict[str, Any] | None:
    response = api.get(path)
    body: dict[str, Any] = response.json()
    return body if response.status_code == 200 else None


def test_readiness_falls_while_the_database_is_away_and_comes_back(
    outputs: dict[str, Any], kubectl: Kubectl, objects: Objects
) -> None:
    name = objects("statefulsets", "app.kubernetes.io/name=postgres")[0]["metadata"]["name"]
    restarts = [status["restartCount"] for status in service_statuses(objects)]
    kubectl("scale", f"statefulset/{name}", "--replicas=0")
    try:
        eventually(lambda: ready_services(objects) == 0, "no service pod is ready", 90)
        assert [status["restartCount"] for status in service_statuses(objects)] == restarts
    finally:
        kubectl("scale", f"statefulset/{name}", "--replicas=1")
    eventually(lambda: ready_services(objects) == 2, "both service pods are ready again", 120)
    assert httpx.get(f"{outputs['url']}/health", timeout=10).json()["status"] == "healthy"


def service_statuses(objects: Objects) -> list[dict[str, Any]]:
    pods = objects("pods", "app.kubernetes.io/name=service")
    return [status for pod in pods for status in pod["status"].get("containerStatuses", [])]


def ready_services(objects: Objects) -> int:
    return sum(1 for status in service_statuses(objects) if status["ready"])
