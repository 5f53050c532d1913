"""The guide's commands on the running sandbox: each ends as it should and answers as the page shows."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from infra.paths import ROOT
from tests.infra.guide.answering import unlike
from tests.infra.guide.proofs import LIVE
from tests.live.conftest import STACK

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def backed_up(slipway: Callable[..., subprocess.CompletedProcess[str]], outputs: dict[str, Any]) -> None:
    """There is a backup to list: made here where a new sandbox has none."""
    if not json.loads(slipway("backup", "list", STACK, "--json").stdout)["backups"]:
        made = slipway("backup", "now", STACK)
        assert made.returncode == 0, made.stdout + made.stderr


@pytest.mark.usefixtures("backed_up")
@pytest.mark.parametrize("line", sorted(LIVE))
def test_every_command_answers_as_the_page_shows(
    line: str, environment: dict[str, str], outputs: dict[str, Any]
) -> None:
    typed = line.replace("NAMESPACE", outputs["namespace"]).replace("STACK", STACK)
    path = f"{ROOT / '.venv' / 'bin'}:{environment['PATH']}"
    told = subprocess.run(
        ["bash", "-c", typed], cwd=ROOT, env={**os.environ, **environment, "PATH": path, "COLUMNS": "200"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert told.returncode in LIVE[line], told.stdout + told.stderr
    assert "Traceback" not in told.stderr
    assert unlike(line, told.stdout + told.stderr, STACK) == []
