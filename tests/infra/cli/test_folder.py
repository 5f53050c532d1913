"""`slipway --stacks FOLDER`: where stack files are looked for, by every verb and by the program."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from infra import cli, paths
from infra.errors import UserError

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cli.FOLDER, "")  # set back afterwards, whatever the option writes


def test_the_folder_is_handed_on_as_an_absolute_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ours").mkdir()
    monkeypatch.chdir(tmp_path)
    cli.choose_folder(Path("ours"))
    assert os.environ[cli.FOLDER] == str(tmp_path / "ours")
    assert paths.stacks_dir() == tmp_path / "ours"


def test_without_the_option_the_projects_own_folder_is_used() -> None:
    cli.choose_folder(None)
    assert paths.stacks_dir() == paths.ROOT / "stacks"


@pytest.mark.parametrize(("name", "what"), [("none", "does not exist"), ("file", "is not a folder")])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=f"--stacks {tmp_path}/{name}: {what}") as caught:
        cli.choose_folder(tmp_path / name)
    assert caught.value.exit_code == 2


def test_the_variable_alone_is_looked_at_as_the_option_is(tmp_path: Path) -> None:
    command = [str(paths.ROOT / ".venv" / "bin" / "slipway"), "env"]
    answer = subprocess.run(
        command, env={**os.environ, cli.FOLDER: "/none/such"}, capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr.splitlines()[0]) == (2, "--stacks /none/such: does not exist")
