"""`slipway rightsize` on the running sandbox: every part that runs all the time is measured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

from infra.capacity import parts
from infra.settings import check
from tests.live.conftest import STACK
from tests.live.facts import eventually

pytestmark = [pytest.mark.live]
Run = Callable[..., subprocess.CompletedProcess[str]]
STAYING = {"service", "postgres", "redis", "prometheus", "alertmanager", "kube-state-metrics"}


def test_every_part_is_measured_and_its_lines_are_for_keys_that_there_are(slipway: Run) -> None:
    def measured() -> set[str]:
        done = slipway("rightsize", STACK, "--window", "1h", "--format", "json")
        assert done.returncode == 0, done.stderr
        return {row["container"] for row in json.loads(done.stdout)["containers"]}

    found = eventually(
        lambda: names if (names := measured()) >= STAYING else None, "all of them are measured", 180
    )
    assert found <= set(parts.keys(check.load(STACK, secrets=False)))
    done = slipway("rightsize", STACK, "--window", "1h", "--format", "json")
    for row in json.loads(done.stdout)["containers"]:
        assert row["measured"]["memory_max_bytes"] > 1 << 20, row["container"]
        assert row["measured"]["cpu_p95_millicores"] >= 0, row["container"]
        assert row["note"], "an hour holds no whole day, which is said"


def test_the_text_ends_with_lines_for_the_stack_file_or_with_nothing_to_change(slipway: Run) -> None:
    done = slipway("rightsize", STACK, "--window", "1h")
    assert done.returncode == 0, done.stderr
    assert "\nconfig:\n  slipway:" in done.stdout or done.stdout.endswith("\nNothing to change.\n")
