"""A second `up` changes nothing, and what a hand changed is seen and set right."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from tests.live.conftest import Kubectl

pytestmark = pytest.mark.live
Run = Callable[..., subprocess.CompletedProcess[str]]
Objects = Callable[..., list[dict[str, Any]]]


def pods(objects: Objects) -> dict[str, tuple[str, int]]:
    return {
        pod["metadata"]["name"]: (
            pod["metadata"]["uid"],
            sum(s["restartCount"] for s in pod["status"]["containerStatuses"]),
        )
        for pod in objects("pods")
        if pod["status"]["phase"] == "Running"
    }


def test_a_second_up_restarts_no_pod_and_says_that_nothing_changed(slipway: Run, objects: Objects) -> None:
    before = pods(objects)
    answer = slipway("up")
    assert answer.returncode == 0, answer.stderr
    assert pods(objects) == before
    assert "unchanged" in answer.stdout + answer.stderr


def test_a_preview_after_up_expects_no_changes(pulumi: Run) -> None:
    answer = pulumi("preview", "--expect-no-changes")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_deployment_edited_by_hand_is_seen_and_set_right(
    pulumi: Run, kubectl: Kubectl, objects: Objects
) -> None:
    name = objects("deployments", "app.kubernetes.io/name=service")[0]["metadata"]["name"]
    kubectl("patch", "deployment", name, "--patch", '{"spec": {"replicas": 1}}')
    seen = pulumi("preview", "--refresh", "--diff")
    assert "replicas" in seen.stdout, seen.stdout + seen.stderr
    mended = pulumi("up", "--yes", "--refresh", "--skip-preview")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert objects("deployments", "app.kubernetes.io/name=service")[0]["spec"]["replicas"] == 2
    assert pulumi("preview", "--expect-no-changes").returncode == 0
