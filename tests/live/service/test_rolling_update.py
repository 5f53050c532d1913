"""A new configuration rolls out under load: no request fails, on kept connections or new ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.live.writing import lost, writers

pytestmark = [pytest.mark.live, pytest.mark.slow]
LEAST = 300  # acknowledged rows before and after, so that the rollout lies in the middle of the load


def test_no_request_fails_while_a_setting_rolls_out(
    slipway: Callable[..., subprocess.CompletedProcess[str]],
    stack_file: Callable[[Callable[[dict[str, Any]], None]], None],
    restored: None,
    api: httpx.Client,
    objects: Callable[..., list[dict[str, Any]]],
) -> None:
    def change(config: dict[str, Any]) -> None:
        config["slipway:service"] = {**config.get("slipway:service", {}), "body_seconds": 31}

    def names() -> set[str]:
        return {pod["metadata"]["name"] for pod in objects("pods", "app.kubernetes.io/name=service")}

    before = names()
    stack_file(change)
    with writers(api) as written:
        written.wait_for(LEAST)
        answer = slipway("up")
        written.wait_for(LEAST)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert names().isdisjoint(before), "every pod was replaced"
    assert written.failures == [], written.told()
    assert lost(api, written) == []
