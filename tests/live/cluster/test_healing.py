"""`up` after something broke: only that is mended, pods go on and keep their data."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.sandbox import cluster as sandbox
from infra.sandbox import lock, mounts, network, parts, processes
from infra.sandbox.config import SandboxConfig
from tests.live.cluster.second import Cluster
from tests.live.facts import eventually

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture
def kept(cluster: Cluster) -> Iterator[str]:
    """A value written to the workload's volume, which is still there at the end of the test."""
    value = os.urandom(4).hex()
    assert cluster.inside(f"redis-cli set kept {value}").stdout == "OK\n"
    yield value
    eventually(lambda: cluster.inside("redis-cli get kept").stdout == f"{value}\n", "the value is kept")


def restarts(cluster: Cluster) -> tuple[str, int]:
    pod = cluster.pod()
    return pod["metadata"]["name"], pod["status"]["containerStatuses"][0]["restartCount"]


def kill(cluster: Cluster, *names: str) -> None:
    pids = cluster.pids()
    for name in names:
        os.kill(pids[name], signal.SIGKILL)


def test_up_again_changes_nothing_and_takes_no_time(cluster: Cluster, kept: str) -> None:
    before, pods = cluster.pids(), restarts(cluster)
    begun = time.monotonic()
    cluster.up()
    assert time.monotonic() - begun < 3
    assert (cluster.pids(), restarts(cluster)) == (before, pods)


@pytest.mark.parametrize("name", list(sandbox.PARTS))
def test_a_killed_part_is_started_again_and_no_other(cluster: Cluster, kept: str, name: str) -> None:
    before, pods = cluster.pids(), restarts(cluster)
    kill(cluster, name)
    cluster.up()
    after = cluster.pids()
    assert after.pop(name) != before.pop(name)
    assert after == before
    assert restarts(cluster) == pods


def test_all_parts_killed_at_once_come_back_around_running_pods(cluster: Cluster, kept: str) -> None:
    pods = restarts(cluster)
    kill(cluster, *sandbox.PARTS)
    cluster.up()
    cluster.ready()
    assert restarts(cluster) == pods
    assert [part for part in sandbox.status(cluster.config) if not part.healthy] == []


def test_a_lost_link_is_made_again(cluster: Cluster, kept: str) -> None:
    before = cluster.pids()
    subprocess.run(["ip", "link", "delete", cluster.config.host_link], check=True)
    cluster.up()
    cluster.ready()
    assert cluster.pids() == before


def test_a_lost_namespace_moves_everything_to_a_new_one(cluster: Cluster, kept: str) -> None:
    network.remove(cluster.config)
    cluster.up()
    cluster.ready()
    place = network.place(cluster.config)
    assert {str(Path(f"/proc/{pid}/ns/net").readlink()) for pid in cluster.pids().values()} == {place}


def test_a_reboot_is_survived(cluster: Cluster, kept: str) -> None:
    processes.kill_members(cluster.config.cgroup)
    mounts.unmount_below(cluster.config.state, cluster.config.run)
    network.remove(cluster.config)
    cluster.config.namespace_file.touch()  # where /run is on a disk, the empty file stays
    notes = [*cluster.config.records.glob("*.json"), cluster.config.run / "owner.json"]
    for note in notes:
        note.write_text(json.dumps({**json.loads(note.read_text()), "boot": "an earlier one"}))
    cluster.up()
    eventually(lambda: cluster.inside("redis-cli ping").stdout == "PONG\n", "redis answers")


def test_a_record_that_was_lost_does_not_make_a_second_process(cluster: Cluster, kept: str) -> None:
    before = cluster.pids()
    parts.record_path(cluster.config, "kube-scheduler").unlink()
    cluster.up()
    assert processes.identity(before["kube-scheduler"]) is None
    assert set(cluster.pids()) == set(before)


def test_a_record_of_another_process_is_not_believed(cluster: Cluster, kept: str) -> None:
    path = parts.record_path(cluster.config, "kube-scheduler")
    record = json.loads(path.read_text())
    os.kill(record["pid"], signal.SIGKILL)
    path.write_text(json.dumps({**record, "pid": os.getpid()}))
    cluster.up()
    assert cluster.pids()["kube-scheduler"] not in (os.getpid(), record["pid"])


def test_a_changed_command_restarts_that_part_only(
    cluster: Cluster, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = cluster.pids()
    real = sandbox.PARTS["kube-scheduler"]

    def louder(config: SandboxConfig) -> parts.Part:
        part = real(config)
        return parts.Part(part.name, (*part.argv, "--v=2"), part.health, part.files)

    monkeypatch.setitem(sandbox.PARTS, "kube-scheduler", louder)
    cluster.up()
    after = cluster.pids()
    assert after.pop("kube-scheduler") != before.pop("kube-scheduler")
    assert after == before


def test_a_part_that_dies_at_its_start_is_reported_with_its_last_words(
    cluster: Cluster, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = sandbox.PARTS["kube-scheduler"]

    def broken(config: SandboxConfig) -> parts.Part:
        part = real(config)
        return parts.Part(part.name, (*part.argv, "--no-such-flag"), part.health, part.files)

    begun = time.monotonic()
    with monkeypatch.context() as patch, pytest.raises(UserError) as caught:
        patch.setitem(sandbox.PARTS, "kube-scheduler", broken)
        cluster.up()
    assert time.monotonic() - begun < 10
    assert "the process ended while the cluster waited for it" in str(caught.value)
    assert "unknown flag: --no-such-flag" in str(caught.value)
    cluster.up()


def test_a_second_command_is_told_who_works_on_the_cluster(cluster: Cluster) -> None:
    told: list[str] = []

    def second() -> None:
        with pytest.raises(UserError) as caught:
            cluster.up()
        told.append(str(caught.value))

    with lock.held(cluster.config):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert f"another command works on it: process {os.getpid()} (" in told[0]


@pytest.mark.parametrize("seconds", [0.3, 1.0, 2.5, 4.0])
def test_an_interrupted_up_is_completed_by_the_next(cluster: Cluster, kept: str, seconds: float) -> None:
    kill(cluster, *sandbox.PARTS)
    command = [
        sys.executable,
        "-c",
        "from infra.cli.sandbox import app; app()",
        "up",
        "--name",
        "slipway-test",
    ]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        running.wait(seconds)
    except subprocess.TimeoutExpired:
        os.killpg(running.pid, signal.SIGINT)  # as a terminal does: the whole foreground group
    running.wait(30)
    cluster.up()
    assert set(cluster.pids()) == set(sandbox.PARTS)
