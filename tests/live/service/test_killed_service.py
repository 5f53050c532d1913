"""kill -9 of a service pod's process under load: clients try again, and nothing acknowledged is lost."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.live.facts import eventually
from tests.live.writing import lost, service_process, writers

pytestmark = [pytest.mark.live, pytest.mark.slow]
Objects = Callable[..., list[dict[str, Any]]]
LEAST = 300


def test_no_acknowledged_row_is_lost_when_a_service_process_is_killed(
    api: httpx.Client, objects: Objects
) -> None:
    pods = objects("pods", "app.kubernetes.io/name=service")
    with writers(api) as written:
        written.wait_for(LEAST)
        os.kill(service_process(pods[0]), signal.SIGKILL)
        written.wait_for(LEAST)
    eventually(lambda: ready(objects) == len(pods), "every service pod is ready again", 120)
    assert lost(api, written) == [], written.told()


def ready(objects: Objects) -> int:
    """Service pods that are ready."""
    pods = objects("pods", "app.kubernetes.io/name=service")
    return sum(1 for pod in pods for status in pod["status"].get("containerStatuses", []) if status["ready"])
