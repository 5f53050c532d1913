"""Which passphrase a stack's secrets are encrypted with."""

from __future__ import annotations

from pathlib import Path

import pytest

from infra import stack
from infra.engine import cli, passphrase
from infra.errors import UserError
from infra.settings import layers
from tests.infra.stack.conftest import QUIET, TEAM, seen

pytestmark = pytest.mark.unit
KMS = "awskms://alias/slipway?region=ap-northeast-2"


@pytest.fixture(autouse=True)
def _team(calls: Path) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM)


def test_a_stack_takes_this_machines_passphrase_which_is_made_for_it(calls: Path) -> None:
    layers.stack_file("ledger-dev").write_text(TEAM.replace("encryptionsalt: v1:x:v1:x:x\n", ""))
    assert stack.passphrase_environment("ledger-dev") == {passphrase.FILE: str(passphrase.file())}
    assert passphrase.file().stat().st_mode & 0o777 == 0o600


def test_a_file_whose_passphrase_is_lost_is_refused_with_the_remedy(calls: Path) -> None:
    with pytest.raises(UserError, match="this machine has lost") as caught:
        stack.passphrase_environment("ledger-dev")
    assert "set PULUMI_CONFIG_PASSPHRASE_FILE to the file that holds it" in str(caught.value)
    assert not passphrase.file().exists()


@pytest.mark.parametrize(
    ("name", "value"), [(passphrase.VALUE, "own"), (passphrase.VALUE, ""), (passphrase.FILE, "/a/file")]
)
def test_the_users_own_passphrase_wins_over_this_machines(
    calls: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    assert stack.passphrase_environment("ledger-dev") == {}
    assert not passphrase.file().exists()
    cli.capture(["config", "get", "x", "--stack", "ledger-dev"], stack.environment("ledger-dev"))
    assert seen(calls)[-1]["env"][name] == value


def test_the_sandboxs_own_stack_always_takes_this_machines(
    calls: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(passphrase.VALUE, "own")
    stack.ensure_stack("sandbox", QUIET)
    for call in seen(calls):
        assert passphrase.VALUE not in call["env"]
        assert call["env"][passphrase.FILE] == str(passphrase.file())


def test_a_stack_with_a_key_service_needs_none_and_is_made_with_it(calls: Path) -> None:
    text = TEAM.replace("encryptionsalt: v1:x:v1:x:x", f"secretsprovider: {KMS}\nencryptedkey: x")
    layers.stack_file("ledger-dev").write_text(text)
    stack.ensure_stack("ledger-dev", QUIET)
    assert not passphrase.file().exists()
    init = next(call for call in seen(calls) if call["args"][:2] == ["stack", "init"])
    assert init["args"][-3:-1] == ["--secrets-provider", KMS]
    assert not {passphrase.FILE, passphrase.VALUE} & set(init["env"])
