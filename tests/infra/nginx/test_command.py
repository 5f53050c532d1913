"""`slipway nginx render`: what it writes, compares and refuses, by its output and exit code."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra.paths import ROOT
from tests.infra.settings.broken_files import filled

pytestmark = [pytest.mark.integration, pytest.mark.own_servers]
STACK = "ledger-dev"
WAY = """<sound>
  slipway:service: {type: NodePort, node_port: 30080, trusted_proxies: [10.0.0.0/24]}
  slipway:ingress: {kind: nginx, hosts: [ledger.example.com], nginx: {upstreams: ['10.0.0.11:30080']}}
<secrets>
"""


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "profiles").symlink_to(ROOT / "stacks" / "profiles")
    (folder / f"Pulumi.{STACK}.yaml").write_text(filled(WAY), encoding="utf-8")
    return folder


def slipway(stacks: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [ROOT / ".venv" / "bin" / "slipway", "--stacks", stacks, "nginx", "render", STACK, *arguments]
    return subprocess.run(
        command, cwd=stacks.parent, capture_output=True, text=True, check=False, env=os.environ
    )


def test_the_file_is_written_once_and_a_second_time_left_alone(stacks: Path) -> None:
    first, second = slipway(stacks), slipway(stacks)
    file = stacks.parent / "build" / "nginx" / "nginx.conf"
    assert (first.returncode, first.stdout) == (0, "wrote build/nginx/nginx.conf\n"), first.stderr
    assert "server 10.0.0.11:30080 " in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o644
    assert (second.returncode, second.stdout) == (0, "")
    assert [path.name for path in file.parent.iterdir()] == ["nginx.conf"]


def test_a_check_says_what_differs_and_writes_nothing(stacks: Path, tmp_path: Path) -> None:
    to = tmp_path / "there"
    missing = slipway(stacks, "--check", "--to", to)
    assert (missing.returncode, missing.stdout) == (1, f"differs {to / 'nginx.conf'}\n")
    assert missing.stderr == f"  → slipway nginx render {STACK} --to {to}\n"
    assert not to.exists()
    slipway(stacks, "--to", to)
    assert slipway(stacks, "--check", "--to", to).returncode == 0


def test_somebody_elses_file_is_kept_unless_told_otherwise(stacks: Path, tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text("events {}\n")
    refused = slipway(stacks, "--to", tmp_path)
    assert (refused.returncode, file.read_text()) == (1, "events {}\n")
    assert f"{file}: is there, and slipway did not make it" in refused.stderr
    assert slipway(stacks, "--to", tmp_path, "--force").returncode == 0
    assert file.read_text().startswith("# Rendered by slipway nginx render")


def test_a_stack_whose_requests_come_in_otherwise_is_told_so(stacks: Path) -> None:
    file = stacks / f"Pulumi.{STACK}.yaml"
    file.write_text(filled("<sound>\n<secrets>\n"), encoding="utf-8")
    answer = slipway(stacks)
    assert answer.returncode == 1
    assert "slipway:ingress.kind: ingress, and hosts are none: no nginx is in front" in answer.stderr
    assert not (stacks.parent / "build").exists()


def test_a_folder_that_cannot_be_written_says_why(stacks: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    answer = slipway(stacks, "--to", tmp_path / "file" / "below")
    assert answer.returncode == 1
    assert "cannot be written: " in answer.stderr
    assert "Traceback" not in answer.stderr
