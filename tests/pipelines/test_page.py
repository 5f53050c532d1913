"""docs/pipelines.md: every command in it runs, and its table names what is rendered."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from infra.paths import ROOT
from infra.render.generate import PIPELINES
from tests.pipelines import plans

pytestmark = pytest.mark.unit
PAGE = (ROOT / "docs" / "pipelines.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?:^    .*\n)+", PAGE, re.MULTILINE)
COMMANDS = [block for block in BLOCKS if block.lstrip().startswith(("slipway pipelines", "export"))]


def test_every_command_of_the_page_runs_one_after_the_other(tmp_path: Path) -> None:
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    path = f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"
    script = "set -euo pipefail\n" + "".join(COMMANDS)
    assert script.count("slipway pipelines ") == PAGE.count("\n    slipway pipelines ") == 7
    answer = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    rendered = tmp_path / "build" / "pipelines" / ".github"
    assert sorted(file.name for file in rendered.rglob("*.yml")) == sorted(
        file.name for file in (PIPELINES / "github" / ".github").rglob("*.yml")
    )


def test_the_pages_settings_are_ones_that_the_model_takes() -> None:
    (block,) = (block for block in BLOCKS if block.startswith("    slipway:pipelines:"))
    given = yaml.safe_load(block)["slipway:pipelines"]
    assert str(plans.stack("ledger-prod", given).pipelines.repository) == "team@123456/ledger@456789"


def test_the_table_names_each_workflow_and_each_kind_of_job() -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `slipway-")]
    workflows = {row[0].strip("| `") for row in rows}
    assert workflows == {
        path.rpartition("/")[2].removesuffix(".yml") for path in plans.files("github three stacks")
    }
    jobs = {name.strip("`").removesuffix("-…") for row in rows for name in row[1].split(", ")}
    pipeline = yaml.safe_load(plans.files("gitlab prod alone")[".gitlab-ci.yml"])
    beside = {"stages", "workflow", "variables", "default"}
    assert jobs == {name.removesuffix("-ledger-prod") for name in pipeline if name not in beside}
