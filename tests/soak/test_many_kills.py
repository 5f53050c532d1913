"""The long runs: parts and pods are killed again and again, and nothing that was acknowledged is lost."""

from __future__ import annotations

import os
import random
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest

from infra.sandbox import cluster
from infra.sandbox.config import SandboxConfig
from tests.live.conftest import Kubectl
from tests.live.facts import eventually
from tests.live.writing import lost, service_process, writers

pytestmark = pytest.mark.soak
PART_KILLS = 24
POD_KILLS = 20
WRITES_BETWEEN_KILLS = 100
SEED = 3
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_any_part_killed_at_random_is_healed_every_time(slipway: Run, api: httpx.Client) -> None:
    chance = random.Random(SEED)
    for number in range(PART_KILLS):
        victims = chance.sample(
            [part for part in cluster.status(SandboxConfig()) if part.pid], chance.randint(1, 4)
        )
        for part in victims:
            os.kill(part.pid, signal.SIGKILL)
        answer = slipway("sandbox", "up")
        assert answer.returncode == 0, f"{number}: {[part.name for part in victims]}\n{answer.stderr}"
        amiss = [part for part in cluster.status(SandboxConfig()) if not part.healthy]
        assert amiss == [], f"{number}: {[part.name for part in victims]}"
        eventually(lambda: serves(api), "the service serves", 120)


def test_no_acknowledged_row_is_lost_when_the_database_pod_is_killed(
    api: httpx.Client, kubectl: Kubectl
) -> None:
    acknowledged: list[str] = []
    for number in range(POD_KILLS):
        entry = {
            "date": "2020-01-01",
            "description": f"soak {number}",
            "amount": f"{number + 1}.25",
            "type": "expense",
        }
        created = eventually(partial(accepted, api, entry), "a row is acknowledged", 120)
        acknowledged.append(created["id"])
        kubectl("delete", "pod", "-l", "app.kubernetes.io/name=postgres", "--grace-period=0", "--force")
    eventually(lambda: serves(api), "the service serves", 120)
    found = {key: eventually(partial(told, api, key), f"{key} is told of", 120) for key in acknowledged}
    for key in acknowledged:
        api.delete(f"/transactions/{key}")
    assert found == dict.fromkeys(acknowledged, httpx.codes.OK)


def told(api: httpx.Client, key: str) -> int | None:
    """The answer's status; None while the database is still coming back."""
    status = api.get(f"/transactions/{key}").status_code
    return None if httpx.codes.is_server_error(status) else status


def serves(api: httpx.Client) -> bool:
    try:
        return bool(api.get("/health").json()["status"] == "healthy")
    except (httpx.TransportError, ValueError):
        return False


def accepted(api: httpx.Client, entry: dict[str, Any]) -> dict[str, Any] | None:
    try:
        response = api.post("/transactions", json=entry)
    except httpx.TransportError:
        return None
    body: dict[str, Any] = response.json()
    return body if response.status_code == 201 else None


def test_no_acknowledged_row_is_lost_when_service_processes_are_killed_at_random(
    api: httpx.Client,
    kubectl: Kubectl,
    objects: Callable[..., list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(SEED)

    def running() -> list[dict[str, Any]]:
        pods = objects("pods", "app.kubernetes.io/name=service")
        return [pod for pod in pods if all(s["ready"] for s in pod["status"].get("containerStatuses", []))]

    with writers(api) as written:
        for _ in range(POD_KILLS):
            victim = chance.choice(eventually(running, "a service pod is ready", 180))
            os.kill(service_process(victim), signal.SIGKILL)
            # A pod that was killed often waits ever longer before it starts again; a new one does not.
            kubectl("delete", "pod", victim["metadata"]["name"], "--wait=false")
            written.wait_for(WRITES_BETWEEN_KILLS, 300)
    eventually(lambda: len(running()) == 2, "both service pods are ready again", 360)
    with capsys.disabled():
        print(f"\n{POD_KILLS} kills: {written.told()}")
    assert lost(api, written) == []
