"""`slipway pipelines`: what it writes, leaves alone, refuses and removes, by its output and exit code."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from infra.paths import ROOT
from infra.render.generate import PIPELINES

pytestmark = pytest.mark.unit
SLIPWAY = ROOT / ".venv" / "bin" / "slipway"
EXAMPLES = PIPELINES / "stacks"
TEST = ".github/workflows/slipway-test.yml"


def slipway(stacks: Path, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    command = [SLIPWAY, "--stacks", stacks, "pipelines", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, env=os.environ)


def tree(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.mark.parametrize("provider", ["github", "gitlab"])
def test_what_is_rendered_is_the_committed_example_and_a_second_time_nothing(
    tmp_path: Path, provider: str
) -> None:
    first = slipway(EXAMPLES / provider, "render", f"--{provider}", "--to", tmp_path)
    assert (first.returncode, tree(tmp_path)) == (0, tree(PIPELINES / provider)), first.stderr
    assert first.stdout.count("wrote ") == len(tree(tmp_path))
    second = slipway(EXAMPLES / provider, "render", "--to", tmp_path)
    assert (second.returncode, second.stdout) == (0, "")


def test_without_a_folder_the_one_at_hand_is_the_repository(tmp_path: Path) -> None:
    assert slipway(EXAMPLES / "gitlab", "render", cwd=tmp_path).returncode == 0
    assert tree(tmp_path) == tree(PIPELINES / "gitlab")


def test_a_check_names_what_differs_and_changes_nothing(tmp_path: Path) -> None:
    slipway(EXAMPLES / "github", "render", "--to", tmp_path)
    assert slipway(EXAMPLES / "github", "render", "--check", "--to", tmp_path).returncode == 0
    changed = (tmp_path / TEST).read_text(encoding="utf-8") + "# by hand\n"
    (tmp_path / TEST).write_text(changed, encoding="utf-8")
    answer = slipway(EXAMPLES / "github", "render", "--check", "--to", tmp_path)
    assert (answer.returncode, answer.stdout) == (1, f"differs {tmp_path / TEST}\n")
    assert answer.stderr.endswith("  → slipway pipelines render\n")
    assert (tmp_path / TEST).read_text(encoding="utf-8") == changed


def test_a_file_of_somebody_else_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    theirs = tmp_path / ".github" / "workflows" / "slipway-build.yml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("name: ours\n")
    answer = slipway(EXAMPLES / "github", "render", "--to", tmp_path)
    assert (answer.returncode, tree(tmp_path)) == (1, {".github/workflows/slipway-build.yml": "name: ours\n"})
    assert answer.stderr == (
        f"{theirs}: is there, and slipway did not make it\n"
        "  → move it away, or replace it: the same command with --force\n"
    )
    assert slipway(EXAMPLES / "github", "render", "--force", "--to", tmp_path).returncode == 0
    assert tree(tmp_path) == tree(PIPELINES / "github")


def test_a_workflow_that_no_stack_wants_any_longer_is_removed(tmp_path: Path) -> None:
    slipway(EXAMPLES / "github", "render", "--to", tmp_path)
    mine = tmp_path / ".github" / "workflows" / "slipway-mine.yml"
    mine.write_text("name: mine\n")
    stacks = shutil.copytree(EXAMPLES / "github", tmp_path / "stacks")
    for file in stacks.iterdir():
        text = file.read_text(encoding="utf-8")
        file.write_text(text.replace("provider: github\n", "provider: github\n    drift_schedule: null\n"))
    answer = slipway(stacks, "render", "--to", tmp_path)
    gone = tmp_path / ".github" / "workflows" / "slipway-drift.yml"
    assert f"removed {gone}" in answer.stdout.splitlines()
    assert not gone.exists()
    assert mine.exists()


def test_the_other_provider_is_refused(tmp_path: Path) -> None:
    answer = slipway(EXAMPLES / "github", "render", "--gitlab", "--to", tmp_path)
    assert (answer.returncode, tree(tmp_path)) == (2, {})
    assert answer.stderr.startswith("--gitlab: the stacks' pipelines.provider is github\n  → ")


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / ".github").write_text("a file")
    answer = slipway(EXAMPLES / "github", "render", "--to", tmp_path)
    assert answer.returncode == 1
    assert "cannot be written: not a directory\n  → see to the folder, then run it again" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_trust_is_printed_as_the_cloud_takes_it() -> None:
    answer = slipway(EXAMPLES / "github", "trust", "example-prod")
    policy = json.loads(answer.stdout)
    condition = policy["Statement"][0]["Condition"]["StringEquals"]
    assert condition["token.actions.githubusercontent.com:sub"] == [
        "repo:example/ledger:environment:example-prod"
    ]


def test_trust_of_a_role_that_is_not_named_is_refused() -> None:
    answer = slipway(EXAMPLES / "github", "trust", "example-prod", "--for", "push")
    assert (answer.returncode, answer.stdout) == (1, "")
    assert "example-prod names neither aws.push_role nor gcp.push_account" in answer.stderr
