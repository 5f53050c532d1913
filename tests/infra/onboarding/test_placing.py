"""All files or none, and nothing left of the work, whatever happens on the way."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.onboarding import placing
from infra.scratch import scratch

pytestmark = pytest.mark.unit
NAMES = ("a", "b", "c")


def prepare(work: Path) -> None:
    (work / placing.NEW).mkdir()
    for name in NAMES:
        (work / placing.NEW / name).write_text(f"new {name}")


def content(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_all_files_are_moved_and_the_work_is_gone(tmp_path: Path) -> None:
    with scratch(tmp_path, placing.undo) as work:
        prepare(work)
        assert placing.place(work, tmp_path, replace=False) == {}
    assert content(tmp_path) == {name: f"new {name}" for name in NAMES}


def test_a_file_that_is_there_is_named_and_nothing_is_moved(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("old")
    with pytest.raises(UserError, match="/b: is there already"), scratch(tmp_path) as work:
        prepare(work)
        placing.place(work, tmp_path, replace=False)
    assert content(tmp_path) == {"b": "old"}


@pytest.mark.parametrize("replace", [False, True])
@pytest.mark.parametrize("at", NAMES)
def test_an_error_halfway_gives_everything_back(
    tmp_path: Path, at: str, replace: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if replace:
        (tmp_path / "b").write_text("old")
    before, move = content(tmp_path), placing._move

    def fail(work: Path, final: Path, asked: list[int]) -> None:
        if final.name == at:
            raise OSError(errno.ENOSPC, "No space left on device")
        move(work, final, asked)

    monkeypatch.setattr(placing, "_move", fail)
    with (
        pytest.raises(UserError, match="cannot be worked in: No space left on device"),
        scratch(tmp_path) as work,
    ):
        prepare(work)
        placing.place(work, tmp_path, replace=replace)
    assert content(tmp_path) == before


def test_a_ctrl_c_while_files_are_moved_gives_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = shutil.copy2

    def interrupt(source: Path, target: Path) -> object:
        os.kill(os.getpid(), signal.SIGINT)
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy2", interrupt)
    with pytest.raises(KeyboardInterrupt), scratch(tmp_path) as work:
        prepare(work)
        placing.place(work, tmp_path, replace=False)
    assert content(tmp_path) == {}


@pytest.mark.parametrize("replace", [False, True])
def test_what_a_killed_run_had_moved_is_given_back_by_the_next(tmp_path: Path, replace: bool) -> None:
    if replace:
        (tmp_path / "a").write_text("old")
    code = f"""
import os, pathlib, signal
from infra.onboarding import placing
from infra.scratch import scratch
folder, move = pathlib.Path({str(tmp_path)!r}), placing._move
def die(work, final, asked):
    if final.name == "c":
        os.kill(os.getpid(), signal.SIGKILL)
    move(work, final, asked)
placing._move = die
with scratch(folder, placing.undo) as work:
    (work / "new").mkdir()
    for name in "abc":
        (work / "new" / name).write_text("new " + name)
    placing.place(work, folder, replace={replace})
"""
    died = subprocess.run([sys.executable, "-c", code], check=False)
    assert died.returncode == -signal.SIGKILL
    assert (tmp_path / "b").is_file()
    with scratch(tmp_path, placing.undo):
        pass
    assert content(tmp_path) == ({"a": "old"} if replace else {})


def test_a_file_changed_since_the_kill_is_left_alone(tmp_path: Path) -> None:
    stale = tmp_path / ".slipway-stale"
    stale.mkdir()
    prepare(stale)
    (stale / placing.OLD).mkdir()
    (stale / placing.UNDERWAY).touch()
    (tmp_path / "a").write_text("mine by now")
    with scratch(tmp_path, placing.undo):
        pass
    assert content(tmp_path) == {"a": "mine by now"}


def test_the_work_of_another_run_is_left_alone(tmp_path: Path) -> None:
    with scratch(tmp_path) as first:
        with scratch(tmp_path):
            assert first.is_dir()
        assert first.stat().st_mode & 0o777 == 0o700
    assert content(tmp_path) == {}


def test_an_error_of_another_file_names_that_file(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    with pytest.raises(UserError) as caught, scratch(tmp_path):
        elsewhere.read_text()
    assert str(caught.value).startswith(f"{elsewhere}: cannot be used: No such file or directory\n")
