"""A team's own stack, written by hand in a folder of its own: from nothing to serving, and gone again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra import reach
from infra.engine import local_state
from infra.paths import ROOT
from infra.settings.secrets import SecretName
from tests.live.conftest import Kubectl
from tests.live.facts import eventually
from tests.live.team import Answer, Team, told

pytestmark = [pytest.mark.live, pytest.mark.slow]
STACK = "tryout-dev"
FILE = """\
# A team's first try on the sandbox.
config:
  slipway:cluster:
    sandbox: true
  slipway:images:
    catalogue: sandbox
  slipway:service:
    rollout:
      min_ready_seconds: 0
      drain_seconds: 0
      termination_grace_seconds: 32
"""
Run = Callable[..., Answer]
Objects = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def unfinished(tmp_path_factory: pytest.TempPathFactory, outputs: dict[str, Any]) -> Iterator[Team]:
    """The stack before it has secrets. Whatever a test leaves of it is gone afterwards."""
    if local_state.file(STACK).exists():
        pytest.fail(f"stack {STACK} is on this machine already; run: slipway down {STACK}")
    team = Team(tmp_path_factory.mktemp("stacks"), STACK)
    team.file.write_text(FILE)
    yield team
    if local_state.file(STACK).exists():
        assert team.slipway("down").returncode == 0


@pytest.fixture(scope="module")
def first(unfinished: Team) -> Answer:
    """The first preview, which finds no secrets."""
    return unfinished.slipway("preview")


@pytest.fixture(scope="module")
def team(unfinished: Team, first: Answer) -> Team:
    """The stack with its secrets made by plain Pulumi, and up."""
    keys = [f"slipway:secrets.{name}" for name in SecretName if not name.given]
    sets = [unfinished.pulumi_command("config", "set", "--path", "--secret", key) for key in keys]
    made = unfinished.plain(" && ".join(f"head -c 32 /dev/urandom | base64 | {line}" for line in sets))
    assert made.returncode == 0, told(made)
    up = unfinished.slipway("up")
    assert up.returncode == 0, told(up)
    return unfinished


def test_the_first_preview_makes_the_stack_and_names_every_missing_secret(
    unfinished: Team, first: Answer
) -> None:
    assert first.returncode == 1
    assert first.stderr.count(": is missing\n") == 5, told(first)
    assert "encryptionsalt: v1:" in unfinished.file.read_text()
    assert not (ROOT / "stacks" / unfinished.file.name).exists()


def test_its_service_answers_from_inside_the_cluster(team: Team, environment: dict[str, str]) -> None:
    found = team.slipway("status", "--json")
    assert found.returncode == 0, told(found)
    status = json.loads(found.stdout)
    assert status["healthy"]
    assert status["addresses"]["url"] == f"http://service.{STACK}.svc"
    with reach.reachable(status["addresses"]["url"], environment) as address:
        assert httpx.get(f"{address}/health").json()["status"] == "healthy"


def test_plain_pulumi_with_another_file_is_refused(team: Team, tmp_path: Path) -> None:
    other = tmp_path / team.file.name
    other.write_text(team.file.read_text().replace("min_ready_seconds: 0", "min_ready_seconds: 1"))
    answer = team.plain(team.pulumi_command("preview", file=other))
    assert answer.returncode != 0
    assert "slipway:service.rollout.min_ready_seconds: Pulumi was given another value" in answer.stdout


def test_a_second_up_by_plain_pulumi_changes_nothing(team: Team) -> None:
    up = team.pulumi_command("up", "--refresh", "--yes", "--skip-preview", "--expect-no-changes")
    answer = team.plain(up)
    assert answer.returncode == 0, told(answer)


def test_a_node_port_of_another_stack_is_refused_with_the_key_to_change(
    team: Team, outputs: dict[str, Any]
) -> None:
    before, port = team.file.read_text(), outputs["url"].rpartition(":")[2]
    taken = f"  slipway:service:\n    type: NodePort\n    node_port: {port}\n"
    team.file.write_text(before.replace("  slipway:service:\n", taken))
    try:
        answer = team.slipway("preview")
    finally:
        team.file.write_text(before)
    assert "another Service of the cluster has this node port" in told(answer), told(answer)
    assert "service.node_port" in told(answer)


def test_down_takes_all_of_it_and_nothing_of_the_sandboxs_own(
    team: Team, kubectl: Kubectl, objects: Objects, slipway: Run
) -> None:
    before = {pod["metadata"]["uid"] for pod in objects("pods")}
    answer = team.slipway("down")
    assert answer.returncode == 0, told(answer)
    assert "slipway stays; to remove it too: slipway down" in answer.stderr
    assert kubectl("get", "namespace", STACK, "--ignore-not-found") == ""
    assert not local_state.file(STACK).exists()
    assert team.file.exists()
    assert {pod["metadata"]["uid"] for pod in objects("pods")} == before
    eventually(lambda: slipway("status").returncode == 0, "the sandbox is healthy without it")
