"""`slipway status` against what the cluster and the service themselves say."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.live.conftest import Kubectl
from tests.live.facts import eventually

pytestmark = pytest.mark.live
Run = Callable[..., subprocess.CompletedProcess[str]]


def test_status_tells_what_runs_in_which_version_and_where(slipway: Run, outputs: dict[str, Any]) -> None:
    answer = slipway("status", "--json")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    found = json.loads(answer.stdout)
    parts = {part["name"]: part for part in found["workloads"]}
    assert {name: (part["ready"], part["wanted"]) for name, part in parts.items()} == {
        "service": (2, 2), "postgres": (1, 1), "redis": (1, 1),
        "object-store": (1, 1), "backup-exporter": (1, 1), "prometheus": (1, 1), "alertmanager": (1, 1),
        "postgres-exporter": (1, 1), "redis-exporter": (1, 1), "kube-state-metrics": (1, 1),
        "node-exporter": (1, 1), "logs-service": (1, 1), "logs-parts": (1, 1), "logs-collector": (1, 1),
    }  # fmt: skip
    assert parts["service"]["version"] == httpx.get(f"{outputs['url']}/health").json()["version"]
    assert found["addresses"]["url"] == outputs["url"]
    assert found["troubles"] == []


def test_status_says_in_words_what_is_wrong_and_fails(slipway: Run, kubectl: Kubectl) -> None:
    kubectl("scale", "statefulset/redis", "--replicas=0")
    try:
        kubectl("wait", "--for=delete", "pod/redis-0", "--timeout=60s")
        answer = slipway("status")
    finally:
        kubectl("scale", "statefulset/redis", "--replicas=1")
    assert answer.returncode == 1
    assert "/health: degraded: cache" in answer.stdout
    eventually(lambda: slipway("status").returncode == 0, "everything is healthy again", 90)
