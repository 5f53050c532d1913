"""What is in the cluster's way on a real machine is named before anything is changed."""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from infra.errors import UserError
from infra.sandbox import network, preflight
from infra.sandbox.config import SandboxConfig
from tests.live.cluster.second import Cluster

pytestmark = pytest.mark.live
HOLD = "import socket, time; s = socket.create_server(('', 10259)); print('held', flush=True); time.sleep(60)"
FREE = SandboxConfig("slipway-fault", 5)


def messages(config: SandboxConfig) -> list[str]:
    return [str(problem) for problem in preflight.problems(config)]


def end(pid: int) -> None:
    """Kills it and waits until the kernel has taken back all it held, its port too."""
    process = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGKILL)
        ended, _, _ = select.select([process], [], [], 30)
        assert ended
    finally:
        os.close(process)


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


@pytest.fixture
def link() -> Iterator[str]:
    """A link of somebody else."""
    ip("link", "add", "elsewhere", "type", "bridge")
    ip("link", "set", "elsewhere", "up")
    yield "elsewhere"
    ip("link", "delete", "elsewhere")


def test_a_machine_with_nothing_in_the_way_has_no_problems() -> None:
    assert messages(FREE) == []


def test_a_route_of_somebody_else_is_named(link: str) -> None:
    ip("route", "add", "10.101.128.0/17", "dev", link)
    assert messages(FREE) == [
        "route 10.101.0.0/16: the range is taken: 10.101.128.0/17 dev elsewhere\n"
        "  → choose another --network (0 to 9)"
    ]


def test_up_refuses_before_it_changes_anything(link: str) -> None:
    ip("route", "add", "10.101.128.0/17", "dev", link)
    with pytest.raises(UserError, match="the range is taken"):
        Cluster(FREE).up()
    assert not FREE.state.exists()
    assert not network.stands(FREE)


def test_an_address_of_somebody_else_is_named(link: str) -> None:
    ip("address", "add", "10.201.5.1/24", "dev", link)
    assert "route 10.201.5.0/30: the range is taken: local 10.201.5.1 dev elsewhere" in "\n".join(
        messages(FREE)
    )


def test_a_namespace_of_somebody_else_is_named() -> None:
    ip("netns", "add", FREE.namespace)
    try:
        assert messages(FREE) == [
            "network namespace slipway-fault: exists and was not made by slipway\n"
            "  → choose another --name, or remove it: ip netns delete slipway-fault"
        ]
    finally:
        ip("netns", "delete", FREE.namespace)


def test_a_link_of_somebody_else_is_named() -> None:
    ip("link", "add", FREE.host_link, "type", "bridge")
    try:
        assert messages(FREE) == [
            "link slipway5: exists and was not made by this cluster\n"
            "  → choose another --network, or remove it: ip link delete slipway5"
        ]
    finally:
        ip("link", "delete", FREE.host_link)


def test_a_port_held_by_somebody_else_is_named_with_its_holder(cluster: Cluster) -> None:
    end(cluster.pids()["kube-scheduler"])
    command = ["nsenter", f"--net={cluster.config.namespace_file}", sys.executable, "-c", HOLD]
    holder = subprocess.Popen(command, stdout=subprocess.PIPE)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert messages(cluster.config) == [
            "port 10259: kube-scheduler needs it in namespace slipway-test, "
            f"where process {holder.pid} holds it: {sys.executable} -c {HOLD}\n"
            f"  → end that process: kill {holder.pid}"
        ]
    finally:
        holder.kill()
        holder.communicate()
        cluster.up()


def test_a_cluster_of_that_name_with_another_state_folder_is_named(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = cluster.config.state
    monkeypatch.setenv("XDG_STATE_HOME", "/var/tmp/elsewhere")  # noqa: S108 - never made
    assert [text.partition("\n")[0] for text in messages(cluster.config)] == [
        f"sandbox slipway-test: a cluster of that name stands already; its state folder is {state}"
    ]


def test_the_host_gets_its_own_answer_from_a_closed_port(cluster: Cluster) -> None:
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((cluster.config.node_address, 81), timeout=2)
