"""Replicas that follow requests, on the running sandbox: up under load, down after it."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from tests.live.conftest import STACK, Kubectl
from tests.live.facts import eventually
from tests.live.monitoring import traffic

pytestmark = pytest.mark.soak
Run = Callable[..., subprocess.CompletedProcess[str]]
Edit = Callable[[Callable[[dict[str, Any]], None]], None]
FIGURE = "/apis/custom.metrics.k8s.io/v1beta1/namespaces/{}/services/service/requests_per_second"
WANTED = traffic.PER_SECOND // 2 - 1  # requests per second and pod: two are needed for all
PATIENCE = 180  # seconds: a look at the series, a rate, the autoscaler's look, a pod


@pytest.fixture(scope="module")
def namespace(outputs: dict[str, Any]) -> str:
    return str(outputs["namespace"])


def scaled(config: dict[str, Any]) -> None:
    """The stack file with an autoscaler by requests; two pods at most, for which the database has room."""
    service = config.setdefault("slipway:service", {})
    service["autoscaling"] = {
        "enabled": True,
        "min_replicas": 1,
        "max_replicas": 2,
        "cpu_percent": 100,
        "requests_per_second": WANTED,
        "scale_down_seconds": 15,
    }


@pytest.fixture
def following(restored: None, stack_file: Edit, slipway: Run) -> Iterator[None]:
    """The sandbox's service follows its requests; as before afterwards."""
    stack_file(scaled)
    done = slipway("up", STACK)
    assert done.returncode == 0, done.stderr
    yield


@pytest.fixture
def load(api: httpx.Client) -> Iterator[threading.Event]:
    """Requests at an even pace until the event is set."""
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            traffic.run(api, 1)

    asking = threading.Thread(target=ask)
    asking.start()
    yield over
    over.set()
    asking.join()


def test_pods_are_added_for_requests_and_taken_away_without_them(
    following: None, load: threading.Event, kubectl: Kubectl, namespace: str
) -> None:
    def figure() -> str:
        try:
            items = json.loads(kubectl("get", "--raw", FIGURE.format(namespace)))["items"]
        except AssertionError:  # the series were not looked at yet
            return "0"
        return str(items[0]["value"])

    def replicas() -> int:
        found = json.loads(kubectl("get", "deployment", "service", "--output=json"))
        return int(found["status"].get("readyReplicas", 0))

    eventually(lambda: figure() != "0", "the API of custom metrics tells the requests", PATIENCE)
    eventually(lambda: replicas() == 2, "a pod is added", PATIENCE)
    load.set()
    eventually(lambda: replicas() == 1, "it is taken away again", PATIENCE + 120)
