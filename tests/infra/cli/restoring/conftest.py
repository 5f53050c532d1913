"""Two stacks on paper and a cluster that answers from a file."""

from __future__ import annotations

import base64
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra import backup_jobs, backup_sources
from infra import stack as stacks
from infra.cli import restore as restoring
from infra.kubectl import Place
from infra.settings import check
from infra.settings.model import Settings
from tests.infra.cli.restoring.lending import KUBECTL, POD, RESTORED, S3, SOURCE, TARGET, template
from tests.infra.cli.test_backup import ended
from tests.infra.mocks import SECRETS, settings


@pytest.fixture
def stacks_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, Settings]:
    """The stacks' settings by name; a test puts others in their place."""
    at_s3 = {"enabled": True, "bucket": "prod-backups", "store": S3, "time_zone": "Asia/Seoul"}
    found = {TARGET: settings(TARGET), SOURCE: settings(SOURCE, backups=at_s3)}
    monkeypatch.setattr(check, "load", lambda stack, **_: found[stack])
    monkeypatch.setattr(stacks, "secret", lambda _stack, name: SECRETS[name])
    return found


@pytest.fixture
def cluster(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stacks_of: dict[str, Settings]
) -> Callable[..., Path]:
    """``cluster(log, code)``: a kubectl whose Jobs say ``log`` and end with ``code``; its folder."""
    program = tmp_path / "kubectl"
    program.write_text(KUBECTL)
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    monkeypatch.setenv("PATH", environment["PATH"])
    monkeypatch.setattr(backup_jobs, "place", lambda stack: Place(stack, "ledger", environment))
    monkeypatch.setattr(restoring, "_jobs", lambda _stack: 4)

    def answers(log: str = RESTORED, code: int = 0, refused: str = "", pod: Any = POD) -> Path:
        credentials = {name: base64.b64encode(name.encode()).decode() for name in backup_sources.CREDENTIALS}
        found: dict[str, dict[str, str]] = {
            "get cronjob": {"out": json.dumps(template(pod))},
            "get secret": {"out": json.dumps({"data": credentials})},
            "get pods": {"out": ended(code)},
            "logs": {"out": log},
            "create": {"refused": refused},
        }
        (tmp_path / "answers.json").write_text(json.dumps(found))
        return tmp_path

    return answers
