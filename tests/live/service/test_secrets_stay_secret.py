"""Every secret's value is searched where it must not be: in plain files, logs, previews and process lists."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from infra import stack as stacks
from infra.paths import STACKS, state_dir
from infra.sandbox.config import SandboxConfig
from infra.settings.secrets import SecretName
from tests.live.conftest import STACK, Kubectl

pytestmark = pytest.mark.live
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def values(outputs: dict[str, Any]) -> dict[str, str]:
    """Each secret of the sandbox by name."""
    return {name.value: stacks.secret(STACK, name) for name in SecretName}


def shown(values: dict[str, str], text: str) -> list[str]:
    """The names of the secrets whose values stand in ``text``."""
    return [name for name, value in values.items() if value in text]


def files_below(folder: Path) -> Iterator[tuple[Path, str]]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path, path.read_text(errors="replace")


def test_no_secret_stands_in_the_process_list(values: dict[str, str]) -> None:
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines.append(path.read_text(errors="replace"))
        except OSError:  # it ended meanwhile
            continue
    assert shown(values, "\n".join(lines)) == []


def test_no_secret_stands_in_pulumis_state_or_in_the_stack_file(values: dict[str, str]) -> None:
    found = {
        str(path): names
        for path, text in files_below(state_dir() / "pulumi")
        if (names := shown(values, text))
    }
    assert found == {}
    assert shown(values, (STACKS / f"Pulumi.{STACK}.yaml").read_text()) == []


def test_no_secret_is_shown_by_a_preview_or_an_export(pulumi: Run, values: dict[str, str]) -> None:
    preview = pulumi("preview", "--diff", "--show-sames")
    assert preview.returncode == 0, preview.stdout + preview.stderr
    export = pulumi("stack", "export")
    assert shown(values, preview.stdout + preview.stderr + export.stdout) == []


def test_no_secret_is_written_to_a_log(values: dict[str, str], kubectl: Kubectl) -> None:
    found = {
        str(path): names for path, text in files_below(SandboxConfig().logs) if (names := shown(values, text))
    }
    assert found == {}
    for component in ("postgres", "redis", "service"):
        selector = f"app.kubernetes.io/name={component}"
        log = kubectl("logs", "--selector", selector, "--all-containers", "--tail", "-1")
        assert log, f"{component} wrote no log"
        assert shown(values, log) == []


def test_no_secret_stands_in_a_config_map(values: dict[str, str], kubectl: Kubectl) -> None:
    assert shown(values, kubectl("get", "configmaps", "--output", "yaml")) == []


def test_secrets_are_encrypted_in_etcd(values: dict[str, str]) -> None:
    database = b"".join(path.read_bytes() for path in SandboxConfig().state.glob("etcd/**/*.snap"))
    database += b"".join(path.read_bytes() for path in SandboxConfig().state.glob("etcd/**/db"))
    assert database, "etcd's files were not found"
    assert [name for name, value in values.items() if value.encode() in database] == []
