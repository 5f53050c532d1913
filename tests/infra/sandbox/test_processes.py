"""Processes that outlive the command: recognised for good, ended for good; the lock between two commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.sandbox import config as configuration
from infra.sandbox import lock, mounts, parts, processes
from infra.sandbox.config import SandboxConfig
from infra.sandbox.parts import Part
from infra.sandbox.processes import Identity, Record
from tests.live.facts import eventually

pytestmark = pytest.mark.unit
CONFIG = SandboxConfig("unit", 9)


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setattr(configuration, "RUN_ROOT", tmp_path / "run")
    monkeypatch.setattr(lock, "RUN_ROOT", tmp_path / "run")


@pytest.fixture
def sleeper(tmp_path: Path) -> Iterator[Identity]:
    found = processes.spawn(["sleep", "60"], environment={}, log=tmp_path / "log", seats=[], folder=tmp_path)
    yield found
    processes.end([found], patience=0)


def test_a_spawned_process_has_a_session_of_its_own_and_the_pid_of_its_program(sleeper: Identity) -> None:
    eventually(lambda: processes.command_line(sleeper.pid) == "sleep 60", "the shell has become the program")
    assert os.getsid(sleeper.pid) == sleeper.pid


def test_what_a_process_says_goes_to_its_log(tmp_path: Path) -> None:
    script = ["sh", "-c", "echo out; echo err >&2; pwd"]
    said = processes.spawn(script, environment={}, log=tmp_path / "log", seats=[], folder=tmp_path)
    eventually(lambda: not said.alive(), "it has ended")
    assert processes.tail(tmp_path / "log", 9) == ["out", "err", str(tmp_path)]


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_part(sleeper: Identity) -> None:
    assert sleeper.alive()
    assert not replace(sleeper, started=sleeper.started - 1).alive()
    assert not replace(sleeper, boot="an earlier one").alive()


def test_a_killed_process_is_not_alive_though_nobody_collected_it(sleeper: Identity) -> None:
    assert processes.end([sleeper], patience=5) == []
    assert not sleeper.alive()


def test_a_process_that_ignores_the_request_is_killed(tmp_path: Path) -> None:
    script = ["sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    deaf = processes.spawn(script, environment={}, log=tmp_path / "log", seats=[], folder=tmp_path)
    eventually(lambda: processes.tail(tmp_path / "log", 1) == ["ready"], "it ignores SIGTERM by now")
    assert processes.end([deaf], patience=0.1) == []
    assert not deaf.alive()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid":1,"started":2,"boot":"b","x":1}'])
def test_a_record_that_was_cut_short_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "etcd.json").write_text(content)
    assert processes.load(tmp_path / "etcd.json") is None


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = Record(1, 2, "boot", "fingerprint", 3.0)
    processes.save(tmp_path / "etcd.json", record)
    assert processes.load(tmp_path / "etcd.json") == record


def test_a_log_that_has_grown_too_long_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "LOG_BYTES", 10)
    log = tmp_path / "etcd.log"
    with log.open("a") as writer:
        writer.write("longer than ten\n")
        writer.flush()
        processes.bound(log)
        writer.write("next\n")
    assert (log.read_text(), (tmp_path / "etcd.log.1").read_text()) == ("next\n", "longer than ten\n")


def test_a_part_is_told_from_another_by_all_that_it_was_started_from(tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("a")
    part = Part("etcd", ("etcd", "--x"), lambda: None, files=(file,))
    same = part.fingerprint("net:[1]")
    assert part.fingerprint("net:[1]") == same
    assert part.fingerprint("net:[2]") != same
    assert replace(part, argv=("etcd", "--y")).fingerprint("net:[1]") != same
    assert replace(part, environment={"A": "b"}).fingerprint("net:[1]") != same
    file.write_text("b")
    assert part.fingerprint("net:[1]") != same


def test_a_command_that_holds_the_lock_is_named(tmp_path: Path) -> None:
    script = (
        "import time; from infra.sandbox import config, lock; from pathlib import Path\n"
        f"config.RUN_ROOT = lock.RUN_ROOT = Path({str(tmp_path / 'run')!r})\n"
        "with lock.held(config.SandboxConfig('unit', 9)): print('held', flush=True); time.sleep(60)"
    )
    holder = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(UserError) as caught, lock.held(CONFIG):
            pass
        assert f"sandbox unit: another command works on it: process {holder.pid} ({sys.executable}" in str(
            caught.value
        )
    finally:
        holder.kill()
        holder.communicate()
    with lock.held(CONFIG):  # the kernel has freed it
        assert lock.path_of(CONFIG).read_text() == f"{os.getpid()}\n"
    assert not (tmp_path / "run").exists()


def test_mount_points_are_read_with_their_escapes() -> None:
    text = (
        "36 35 98:0 / /mnt/a\\040b rw shared:1 - ext4 /dev/x rw,errors=continue\n"
        "37 35 0:3 net:[1] /run/netns/x rw - nsfs nsfs rw\n"
    )
    assert [(str(mount.point), mount.kind) for mount in mounts.mounts(text)] == [
        ("/mnt/a b", "ext4"),
        ("/run/netns/x", "nsfs"),
    ]


@pytest.mark.parametrize(("kind", "told"), [("ext4", True), ("overlay", True), ("tmpfs", False)])
def test_how_full_a_folder_is_can_be_told_where_its_file_system_is_of_a_kind_that_the_kubelet_counts(
    tmp_path: Path, kind: str, told: bool
) -> None:
    device = tmp_path.stat().st_dev
    line = f"6 1 {os.major(device)}:{os.minor(device)} / / rw - {kind} /dev/vda rw"
    assert mounts.measurable(tmp_path / "not" / "there", line) is told
    assert not mounts.measurable(tmp_path, f"6 1 0:999999 / / rw - {kind} /dev/vda rw")


def test_a_part_that_is_not_recorded_does_not_run() -> None:
    assert parts.running(CONFIG, "etcd") is None
    CONFIG.records.mkdir(parents=True)
    parts.record_path(CONFIG, "etcd").write_text(json.dumps({"pid": os.getpid()}))
    assert parts.running(CONFIG, "etcd") is None
