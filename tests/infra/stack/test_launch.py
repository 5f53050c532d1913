"""What `slipway up` and `down` do with a team's stack beside the sandbox's own."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from infra import launch, paths, stack
from infra.engine import local_state, passphrase
from infra.errors import UserError
from infra.progress import Progress
from infra.sandbox import cluster, parts
from infra.sandbox.config import NETWORK_NOTE, SandboxConfig
from infra.settings import layers
from tests.infra.stack.conftest import QUIET, TEAM, seen

pytestmark = pytest.mark.unit
OTHER = TEAM.replace("sandbox: true", "sandbox: true, name: other, network: 3")


@pytest.fixture
def done(calls: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was done to the machine: clusters made ready or taken down; nothing of it happens."""
    log: list[Any] = []
    monkeypatch.setattr(
        launch, "prepare_sandbox", lambda config, _progress, _images: log.append(("ready", config))
    )
    monkeypatch.setattr(
        cluster, "down", lambda config, _progress, keep_data: log.append(("down", config.name, keep_data))
    )
    monkeypatch.setattr(parts, "running", lambda _config, _name: SimpleNamespace(pid=1))
    paths.state_dir().mkdir(parents=True)
    (paths.state_dir() / "passphrase").write_text("x")
    return log


def deployed(name: str, config: SandboxConfig) -> None:
    """A state as the engine leaves it: a provider for that cluster among the resources."""
    inputs = {"kubeconfig": str(config.kubeconfig)}
    resources = [{"type": "pulumi:pulumi:Stack"}, {"type": "pulumi:providers:kubernetes", "inputs": inputs}]
    file = local_state.file(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"checkpoint": {"latest": {"resources": resources}}}))
    config.kubeconfig.parent.mkdir(parents=True, exist_ok=True)
    config.kubeconfig.touch()


def said(action: Any, *arguments: Any, **options: Any) -> str:
    stream = io.StringIO()
    action(*arguments, Progress(stream=stream), **options)
    return stream.getvalue()


def test_a_teams_stack_gets_its_cluster_then_its_stack_then_up(calls: Path, done: list[Any]) -> None:
    layers.stack_file("ledger-dev").write_text(OTHER)
    launch.launch("ledger-dev", QUIET)
    assert done == [("ready", SandboxConfig("other", 3))]
    assert [call["args"][0] for call in seen(calls)] == ["stack", "up"]
    assert seen(calls)[-1]["env"]["KUBECONFIG"] == str(SandboxConfig("other", 3).kubeconfig)


@pytest.mark.parametrize("name", ["sandbox", "ledger-dev"])
def test_a_broken_stack_file_is_told_before_anything_is_built(
    calls: Path, done: list[Any], name: str
) -> None:
    layers.stack_file(name).write_text(TEAM.replace("images: {catalogue: sandbox}", "images: {catalog: x}"))
    with pytest.raises(UserError, match=rf"Pulumi\.{name}\.yaml:4:\d+ .*did you mean catalogue"):
        launch.launch(name, QUIET)
    assert done == []
    assert seen(calls) == []


def test_a_preview_of_a_broken_stack_file_makes_nothing_not_even_a_passphrase(calls: Path) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM.replace("catalogue: sandbox", "catalog: x"))
    with pytest.raises(UserError, match=r"Pulumi\.ledger-dev\.yaml:4:\d+ .*did you mean catalogue"):
        stack.preview("ledger-dev", QUIET)
    assert not passphrase.file().exists()
    assert seen(calls) == []


def test_a_missing_stack_file_is_told_before_anything_is_built(calls: Path, done: list[Any]) -> None:
    with pytest.raises(UserError, match=r"Pulumi\.ledger-dev\.yaml: does not exist"):
        launch.launch("ledger-dev", QUIET)
    assert done == []


def test_the_sandboxs_own_file_need_not_be_there(calls: Path, done: list[Any]) -> None:
    launch.launch("sandbox", QUIET)
    assert done == [("ready", SandboxConfig())]
    assert layers.stack_file("sandbox").is_file()


def test_a_cluster_that_stands_on_another_network_is_told(calls: Path, done: list[Any]) -> None:
    config = SandboxConfig("other", 7)
    config.state.mkdir(parents=True)
    (config.state / NETWORK_NOTE).write_text("7\n")
    layers.stack_file("ledger-dev").write_text(OTHER)
    with pytest.raises(UserError, match=r"cluster\.network: 3, and the cluster other .* network 7"):
        launch.launch("ledger-dev", QUIET)


def test_down_of_a_teams_stack_destroys_it_and_leaves_the_cluster(calls: Path, done: list[Any]) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM)
    deployed("ledger-dev", SandboxConfig())
    deployed("ledger-dev-dev", SandboxConfig())
    text = said(launch.remove, "ledger-dev", keep_data=False)
    assert [call["args"][0] for call in seen(calls)] == ["destroy"]
    assert done == []
    assert "slipway stays; to remove it too: slipway down\n" in text
    assert not local_state.file("ledger-dev").exists()
    assert local_state.file("ledger-dev-dev").exists()
    assert layers.stack_file("ledger-dev").is_file()


@pytest.mark.parametrize("protected", [True, False])
def test_what_is_protected_is_foretold_before_anything_goes(
    calls: Path, done: list[Any], protected: bool
) -> None:
    own = f"  slipway:namespace: {{protected: {str(protected).lower()}}}\n"
    layers.stack_file("ledger-dev").write_text(TEAM + own)
    deployed("ledger-dev", SandboxConfig())
    launch.remove("ledger-dev", QUIET, keep_data=False)
    (call,) = seen(calls)
    assert ("--skip-preview" in call["args"]) is not protected
    assert "--yes" in call["args"]


def test_a_cluster_of_another_name_is_removed_by_another_command(calls: Path, done: list[Any]) -> None:
    layers.stack_file("ledger-dev").write_text(OTHER)
    deployed("ledger-dev", SandboxConfig("other", 3))
    assert "slipway sandbox down --name other" in said(launch.remove, "ledger-dev", keep_data=False)


def test_down_of_a_stack_whose_cluster_is_gone_forgets_its_state(calls: Path, done: list[Any]) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM)
    deployed("ledger-dev", SandboxConfig())
    SandboxConfig().kubeconfig.unlink()
    text = said(launch.remove, "ledger-dev", keep_data=False)
    assert "the cluster slipway is gone, and ledger-dev with it" in text
    assert seen(calls) == []
    assert not local_state.file("ledger-dev").exists()


def test_down_of_a_stack_whose_file_is_gone_still_finds_it_here_and_writes_none(
    calls: Path, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    deployed("ledger-dev", SandboxConfig())
    monkeypatch.setenv("FAKE_PULUMI", "pathlib.Path('stacks/Pulumi.ledger-dev.yaml').touch()")
    launch.remove("ledger-dev", QUIET, keep_data=False)
    assert seen(calls)[-1]["env"]["PULUMI_BACKEND_URL"] == f"file://{local_state.backend()}"
    assert not layers.stack_file("ledger-dev").exists()


def test_down_of_a_stack_on_a_cluster_that_does_not_run_says_how_to_start_it(
    calls: Path, done: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    layers.stack_file("ledger-dev").write_text(OTHER)
    deployed("ledger-dev", SandboxConfig("other", 3))
    monkeypatch.setattr(parts, "running", lambda _config, _name: None)
    with pytest.raises(UserError, match=r"does not run\n.*slipway sandbox up --name other"):
        launch.remove("ledger-dev", QUIET, keep_data=False)
    assert local_state.file("ledger-dev").exists()


def test_keeping_data_is_refused_where_the_namespace_takes_it_along(calls: Path, done: list[Any]) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM)
    with pytest.raises(UserError, match="slipway down --keep-data"):
        launch.remove("ledger-dev", QUIET, keep_data=True)
    assert seen(calls) == []


def test_down_of_the_sandbox_names_the_stacks_it_takes_along_and_forgets_them(
    calls: Path, done: list[Any]
) -> None:
    for name in ("sandbox", "ledger-dev", "uvis-dev"):
        deployed(name, SandboxConfig())
    deployed("endy-dev", SandboxConfig("other", 3))
    text = said(launch.remove, "sandbox", keep_data=False)
    assert "takes every resource and all data of ledger-dev, uvis-dev with it" in text
    assert done == [("down", "slipway", False)]
    assert [path.stem for path in local_state.file("x").parent.glob("*.json")] == ["endy-dev"]


def test_a_sandbox_whose_data_is_kept_keeps_every_stacks_state(calls: Path, done: list[Any]) -> None:
    for name in ("sandbox", "ledger-dev"):
        deployed(name, SandboxConfig())
    text = said(launch.remove, "sandbox", keep_data=True)
    assert "stops ledger-dev too; with their data they come back with slipway up ledger-dev" in text
    assert done == [("down", "slipway", True)]
    assert local_state.file("sandbox").exists()
    assert local_state.file("ledger-dev").exists()
