"""Files that only their owner may read: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from infra import private

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("content", ["비밀\n", "비밀\n".encode()], ids=["text", "bytes"])
def test_it_is_the_owners_alone(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "key"
    file.write_text("old")
    file.chmod(0o644)
    private.write(file, content)
    assert file.read_text(encoding="utf-8") == "비밀\n"
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_process_left_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / f".key.{os.getpid()}").write_text("half")
    private.write(tmp_path / "key", "whole")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("key", "whole")]


def test_where_it_cannot_be_written_the_old_one_stays(tmp_path: Path) -> None:
    (tmp_path / "key").mkdir()
    with pytest.raises(OSError, match="key"):
        private.write(tmp_path / "key", "new")
    assert list(tmp_path.iterdir()) == [tmp_path / "key"]
    assert (tmp_path / "key").is_dir()
