"""`slipway sandbox`: what its verbs say and print, without a cluster."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.sandbox import app
from infra.errors import EXIT_USAGE, UserError
from infra.sandbox.config import SandboxConfig

pytestmark = pytest.mark.unit
CONFIG = SandboxConfig("unit", 9)


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)


def said(*arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments, "--name", "unit"])
    if isinstance(result.exception, UserError):
        return str(result.exception)
    assert result.exit_code == code, result.output
    return result.stdout


def test_a_network_of_pods_that_is_none_is_refused_by_name() -> None:
    assert said("up", "--pods", "calico") == "--pods: 'calico' joins no pods\n  → use bridge or cilium"


@pytest.mark.parametrize("verb", ["up", "down", "status", "kubeconfig"])
def test_every_verb_needs_root(verb: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = CliRunner().invoke(app, [verb])
    assert isinstance(result.exception, UserError)
    assert result.exception.exit_code == EXIT_USAGE
    assert str(result.exception) == (
        "root: uid 1000 cannot see or change the sandbox\n  → run the same command with sudo"
    )


def test_status_of_a_cluster_that_never_was_tells_each_part_and_fails() -> None:
    found = json.loads(said("status", "--json", code=1))
    assert {part["name"]: part["detail"] for part in found} == {
        **dict.fromkeys(("etcd", "containerd", "kube-apiserver", "kube-controller-manager"), "does not run"),
        **dict.fromkeys(("kube-scheduler", "kube-proxy", "provisioner", "kubelet"), "does not run"),
        **dict.fromkeys(("node", "coredns"), "the API server does not run"),
    }


def test_a_log_that_does_not_exist_names_those_that_do() -> None:
    assert said("logs", "etc") == (
        "etc: cluster unit has no log of that name\n  → choose one of: none: it was never up"
    )
    CONFIG.logs.mkdir(parents=True)
    (CONFIG.logs / "etcd.log").write_text("a\nb\nc\n")
    assert said("logs", "etc") == "etc: cluster unit has no log of that name\n  → choose one of: etcd"
    assert said("logs", "etcd", "--lines", "2") == "b\nc\n"


def test_the_kubeconfig_is_printed_and_the_users_own_left_alone_unless_asked(tmp_path: Path) -> None:
    assert said("kubeconfig") == "cluster unit: was never up\n  → slipway sandbox up --name unit"
    CONFIG.kubeconfig.parent.mkdir(parents=True)
    CONFIG.kubeconfig.write_text(
        "{kind: Config, clusters: [], users: [], contexts: [], current-context: unit}"
    )
    own = tmp_path / "home" / ".kube" / "config"
    assert said("kubeconfig").strip() == str(CONFIG.kubeconfig)
    assert not own.exists()
    assert said("kubeconfig", "--merge").strip() == str(CONFIG.kubeconfig)
    assert own.exists()
