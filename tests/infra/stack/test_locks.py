"""Which locks of interrupted runs are taken away, and which never."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.engine import locks
from infra.errors import UserError
from tests.infra.stack.conftest import QUIET, lock

pytestmark = pytest.mark.unit


@pytest.fixture
def living() -> Iterator[int]:
    """The pid of a process that ends with the test."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process.pid
    process.communicate()


def dead() -> int:
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_the_lock_of_a_dead_process_is_taken_away(tmp_path: Path) -> None:
    path = lock(tmp_path, dead())
    locks.heal(tmp_path, "sandbox", QUIET)
    assert not path.exists()


def test_the_lock_of_a_living_process_stays_and_its_holder_is_named(tmp_path: Path, living: int) -> None:
    path = lock(tmp_path, living, since=datetime.now(UTC))
    with pytest.raises(UserError, match=f"is being changed by pid {living} of ada on .* since 20") as caught:
        locks.heal(tmp_path, "sandbox", QUIET)
    assert path.exists()
    assert "pulumi cancel" not in str(caught.value)


def test_a_number_that_another_process_got_later_is_no_living_owner(tmp_path: Path, living: int) -> None:
    path = lock(tmp_path, living, since=datetime.now(UTC) - timedelta(minutes=5))
    locks.heal(tmp_path, "sandbox", QUIET)
    assert not path.exists()


def test_the_lock_of_another_machine_always_stays(tmp_path: Path) -> None:
    path = lock(tmp_path, dead(), host="elsewhere")
    with pytest.raises(UserError, match=r"on elsewhere .*\n.*pulumi cancel -s sandbox"):
        locks.heal(tmp_path, "sandbox", QUIET)
    assert path.exists()


def test_the_lock_of_another_stack_is_not_touched(tmp_path: Path) -> None:
    path = lock(tmp_path, dead(), stack="ledger-dev")
    locks.heal(tmp_path, "sandbox", QUIET)
    assert path.exists()


def test_a_lock_that_cannot_be_read_stays(tmp_path: Path) -> None:
    path = lock(tmp_path, os.getpid())
    path.write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        locks.heal(tmp_path, "sandbox", QUIET)
    assert path.exists()


def test_no_lock_is_no_trouble(tmp_path: Path) -> None:
    locks.heal(tmp_path, "sandbox", QUIET)
