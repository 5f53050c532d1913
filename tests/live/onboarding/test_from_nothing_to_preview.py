"""From an empty folder to a preview of the new dev stack on the sandbox, without an edit, within a minute."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.engine import local_state
from infra.paths import ROOT

pytestmark = pytest.mark.live
ANSWERS = ROOT / "tests" / "infra" / "onboarding" / "answers.yaml"
STACK = "lighthouse-dev"
AIM_SECONDS = 60.0
TO_CREATE = re.compile(r"\+ (\d+) to create")


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An empty folder of stack files; the stack has no state before and none at the end."""
    if local_state.file(STACK).exists():
        state = json.loads(local_state.file(STACK).read_text())["checkpoint"].get("latest") or {}
        assert not state.get("resources"), f"{STACK} is up; take it down first: slipway down {STACK}"
        local_state.forget(STACK)  # it was only previewed
    yield tmp_path
    local_state.forget(STACK)


def timed(times: dict[str, float], name: str, command: str) -> str:
    """What a shell says to the command."""
    begun = time.monotonic()
    shell = {**os.environ, "PATH": f"{Path(sys.prefix) / 'bin'}:{os.environ['PATH']}"}
    answer = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=shell, capture_output=True, text=True, check=False
    )
    times[name] = time.monotonic() - begun
    assert answer.returncode == 0, f"{command}\n{answer.stdout}{answer.stderr}"
    return answer.stdout + answer.stderr


def test_a_team_comes_aboard_and_sees_its_preview_without_an_edit(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    times: dict[str, float] = {}
    slipway = f"slipway --stacks {shlex.quote(str(folder))}"
    file = folder / f"Pulumi.{STACK}.yaml"
    timed(times, "init", f"{slipway} init --answers {ANSWERS} </dev/null")
    written = file.read_bytes()
    timed(times, "check", f"{slipway} check --all")
    ours = timed(times, "slipway preview", f"{slipway} preview {STACK}")
    plain = timed(
        times,
        "pulumi preview",
        f'eval "$({slipway} env {STACK})"; pulumi preview -s {STACK} --non-interactive --config-file {file}',
    )
    counts = [int(found[1]) for text in (ours, plain) if (found := TO_CREATE.search(text))]
    assert len(counts) == 2
    assert counts[0] == counts[1] > 10
    assert file.read_bytes() == written
    reviewed = sum(times.values()) - times["pulumi preview"]
    with capsys.disabled():
        told = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in times.items())
        print(f"\nfrom nothing to a preview: {reviewed:.1f} s ({told})")
    assert reviewed <= AIM_SECONDS
