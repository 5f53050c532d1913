"""Where the Pulumi CLI runs, and what it is told, when the stack files are not the project's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from infra import paths, stack
from infra.engine import cli, passphrase
from infra.errors import UserError
from infra.settings import check, layers
from tests.infra.stack.conftest import QUIET, TEAM, seen

pytestmark = pytest.mark.unit


@pytest.fixture
def elsewhere(calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of stack files beside the project, with one stack of a team in it."""
    folder = tmp_path / "home" / "our stacks"
    folder.mkdir(parents=True)
    monkeypatch.setenv("SLIPWAY_STACKS", str(folder))
    text = TEAM.replace("encryptionsalt: v1:x:v1:x:x\n", "")
    layers.stack_file("ledger-dev").write_text(text.partition("  slipway:secrets")[0])
    return folder


def test_a_stack_of_another_folder_is_made_there_and_nothing_in_the_project(
    calls: Path, elsewhere: Path, tmp_path: Path
) -> None:
    before = sorted((tmp_path / "stacks").iterdir())
    with pytest.raises(UserError, match="secretKey: is missing"):
        stack.ensure_stack("ledger-dev", QUIET)
    assert (
        yaml.safe_load((elsewhere / "Pulumi.ledger-dev.yaml").read_text())["encryptionsalt"] == "v1:x:v1:x:x"
    )
    assert sorted((tmp_path / "stacks").iterdir()) == before
    (init,) = seen(calls)
    assert init["args"][:3] == ["stack", "init", "ledger-dev"]
    assert not Path(init["cwd"]).exists(), "the stand-in project is gone again"


@pytest.mark.parametrize("verb", ["up", "preview", "destroy", "refresh", "config"])
def test_every_command_that_can_be_told_the_file_is_told(
    calls: Path, elsewhere: Path, tmp_path: Path, verb: str
) -> None:
    assert cli.live([verb, "--stack", "ledger-dev"], {}) == 0
    assert seen(calls)[-1]["args"] == [
        verb, "--stack", "ledger-dev", "--config-file", str(elsewhere / "Pulumi.ledger-dev.yaml")
    ]  # fmt: skip
    assert seen(calls)[-1]["cwd"] == str(tmp_path)


def test_the_projects_own_stacks_need_no_such_option(calls: Path) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM)
    cli.live(["preview", "--stack", "ledger-dev"], {})
    assert seen(calls)[-1]["args"] == ["preview", "--stack", "ledger-dev"]


def test_plain_pulumi_is_told_the_folder(elsewhere: Path) -> None:
    assert stack.environment("ledger-dev")["SLIPWAY_STACKS"] == str(elsewhere)


def test_plain_pulumi_is_told_no_folder_for_the_projects_own(
    calls: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "ROOT", tmp_path)
    assert "SLIPWAY_STACKS" not in stack.environment("sandbox")


@pytest.mark.parametrize(
    ("provider", "command"),
    [
        ("", "pulumi stack init ledger-prod"),
        (
            "secretsprovider: gcpkms://k\n",
            'pulumi stack init ledger-prod --secrets-provider "gcpkms://k"',
        ),
    ],
)
def test_a_stack_that_its_backend_does_not_know_is_told_with_the_command_that_makes_it(
    calls: Path, monkeypatch: pytest.MonkeyPatch, provider: str, command: str
) -> None:
    layers.stack_file("ledger-prod").write_text(
        f"{provider}config:\n"
        "  slipway:cluster: {context: prod}\n"
        "  slipway:images: {service: registry.example/a/service:1.0.0}\n"
    )
    monkeypatch.setattr(check, "load", lambda *_, **__: None)  # what else it lacks is no matter here
    monkeypatch.setenv("FAKE_PULUMI", "sys.exit(\"error: no stack named 'ledger-prod' found\")")
    with pytest.raises(UserError, match="stack ledger-prod: does not exist in the backend") as caught:
        stack.preview("ledger-prod", QUIET)
    assert str(caught.value).endswith(f"make it: {command}")


def test_a_wrong_passphrase_of_a_team_is_told_with_the_variable_to_set(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PULUMI", "sys.exit('error: incorrect passphrase')")
    with pytest.raises(UserError, match=f"set {passphrase.FILE} to the file"):
        cli.capture(["config", "get", "x", "--stack", "ledger-dev"], {})


def test_what_was_set_for_the_sandbox_leads_no_other_stack_there(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM)
    layers.stack_file("ledger-prod").write_text("config:\n  slipway:cluster: {context: prod}\n")
    for name, value in stack.environment("ledger-dev").items():
        monkeypatch.setenv(name, value)
    cli.live(["up", "--stack", "ledger-prod"], stack.environment("ledger-prod"))
    set_for_it = {"PULUMI_BACKEND_URL", "PULUMI_HOME", "KUBECONFIG"}
    assert not set_for_it & set(seen(calls)[-1]["env"])
    assert cli.misleading(stack.environment("ledger-dev")) == set()


def test_a_backend_of_the_users_own_is_kept(calls: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    layers.stack_file("ledger-prod").write_text("config:\n  slipway:cluster: {context: prod}\n")
    monkeypatch.setenv("PULUMI_BACKEND_URL", "s3://states")
    monkeypatch.setenv("KUBECONFIG", "/home/ada/.kube/config")
    cli.live(["up", "--stack", "ledger-prod"], stack.environment("ledger-prod"))
    assert seen(calls)[-1]["env"]["PULUMI_BACKEND_URL"] == "s3://states"
    assert seen(calls)[-1]["env"]["KUBECONFIG"] == "/home/ada/.kube/config"
