"""Who runs, what listens and what can be written, seen from inside the live pods."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

pytestmark = pytest.mark.live
UIDS = {"postgres": 999, "redis": 999, "service": 10001}
PORTS = {"postgres": {5432}, "redis": {6379}, "service": {8000}}
LISTEN = "0A"  # TCP_LISTEN in include/net/tcp_states.h
COMPONENTS = sorted(UIDS)


def listening(host: Host) -> set[int]:
    """Ports in LISTEN state from /proc/net/tcp and tcp6 (proc(5): local address, state in fields 2 and 4)."""
    lines = host.check_output("cat /proc/net/tcp /proc/net/tcp6").splitlines()
    rows = [line.split() for line in lines if ":" in line]
    return {int(row[1].rpartition(":")[2], 16) for row in rows if row[3] == LISTEN}


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_runs_as_its_own_user_and_not_as_root(pod: Callable[[str], Host], component: str) -> None:
    assert pod(component).check_output("id -u") == str(UIDS[component])


@pytest.mark.parametrize("component", COMPONENTS)
def test_only_its_own_port_listens(pod: Callable[[str], Host], component: str) -> None:
    assert listening(pod(component)) == PORTS[component]


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_root_filesystem_cannot_be_written(pod: Callable[[str], Host], component: str) -> None:
    answer = pod(component).run("touch /etc/slipway-was-here")
    assert answer.rc != 0
    assert "Read-only file system" in answer.stderr


@pytest.mark.parametrize("component", COMPONENTS)
def test_it_has_no_capability_and_cannot_gain_privileges(pod: Callable[[str], Host], component: str) -> None:
    status = dict(
        line.split(":\t", 1) for line in pod(component).check_output("cat /proc/1/status").splitlines()
    )
    assert int(status["CapEff"], 16) == 0
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Seccomp"].strip() == "2"  # filter mode: RuntimeDefault


@pytest.mark.parametrize("component", COMPONENTS)
def test_no_service_account_token_is_mounted(pod: Callable[[str], Host], component: str) -> None:
    assert not pod(component).file("/var/run/secrets/kubernetes.io").exists


def test_the_service_image_carries_no_build_tools(pod: Callable[[str], Host]) -> None:
    host = pod("service")
    assert [tool for tool in ("pip", "pip3", "gcc", "cc", "make", "ld") if host.exists(tool)] == []
