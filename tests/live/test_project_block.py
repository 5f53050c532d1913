"""What the real Pulumi CLI makes of the block in Pulumi.yaml: a project of its own, without resources."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.names import PROJECT
from infra.render import project

pytestmark = pytest.mark.live
STACK = "ledger-dev"
PROGRAM = """\
import json, pathlib
from pulumi.runtime.config import get_config_env
pathlib.Path("seen.json").write_text(json.dumps(get_config_env()))
"""
Preview = Callable[[dict[str, Any]], subprocess.CompletedProcess[str]]


@pytest.fixture
def preview(environment: dict[str, str], tmp_path: Path) -> Preview:
    """``preview(sections)`` of a stack file that holds them; the program writes infra/seen.json."""
    by_hand = f"name: {PROJECT}\nruntime: python\nmain: infra/\nstackConfigDir: stacks\n"
    (tmp_path / "Pulumi.yaml").write_text(project.text(by_hand), encoding="utf-8")
    for folder in ("infra", "stacks", "state"):
        (tmp_path / folder).mkdir()
    (tmp_path / "infra" / "__main__.py").write_text(PROGRAM, encoding="utf-8")
    own = {name: value for name, value in environment.items() if name != "PULUMI_CONFIG_PASSPHRASE_FILE"}
    own |= {"PULUMI_BACKEND_URL": f"file://{tmp_path / 'state'}", "PULUMI_CONFIG_PASSPHRASE": "only-here"}

    def pulumi(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["pulumi", *arguments, "--stack", STACK, "--non-interactive"]
        return subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)

    subprocess.run(["pulumi", "stack", "init", STACK], cwd=tmp_path, env=own, capture_output=True, check=True)
    file = tmp_path / "stacks" / f"Pulumi.{STACK}.yaml"
    salt = file.read_text(encoding="utf-8")

    def run(sections: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        file.write_text(salt + json.dumps({"config": sections})[1:-1] + "\n", encoding="utf-8")
        return pulumi("preview")

    return run


def test_a_section_that_the_file_leaves_out_reaches_the_program_empty(
    preview: Preview, tmp_path: Path
) -> None:
    answer = preview({f"{PROJECT}:service": {"replicas": 3}})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    seen = json.loads((tmp_path / "infra" / "seen.json").read_text())
    wanted = {key: json.dumps(entry["default"]) for key, entry in project.config().items()}
    assert seen == {**wanted, f"{PROJECT}:service": '{"replicas":3}'}


def test_pulumi_itself_refuses_a_section_of_another_type(preview: Preview) -> None:
    for key, entry in project.config().items():
        answer = preview({key: "text"})
        kind = "array<string>" if entry["type"] == "array" else entry["type"]
        assert f"configuration key '{key}' must be of type '{kind}'" in answer.stderr, key
        assert answer.returncode != 0
