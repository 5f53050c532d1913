"""Each thing that can be in the cluster's way, with its exact message."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infra.sandbox import facts, preflight
from infra.sandbox.config import PodNetwork, SandboxConfig
from infra.sandbox.facts import Facts, Listener

pytestmark = pytest.mark.unit
CONFIG = SandboxConfig("other", 1)
GIB = 1 << 30
STATE = Path("/state")
WELL = Facts(state_path=STATE)

CASES: dict[str, tuple[Facts, str]] = {
    "not Linux": (
        replace(WELL, system="Darwin"),
        "system: Darwin has no network namespaces and no cgroups\n"
        "  → use a Linux machine, or name another cluster in the stack file",
    ),
    "not root": (
        replace(WELL, uid=1000),
        "root: uid 1000 cannot make network namespaces, mounts and cgroups\n"
        "  → run the same command with sudo",
    ),
    "cgroups": (
        replace(WELL, lacking_controllers=frozenset({"pids", "memory"})),
        "cgroups: this machine offers no cgroup controller memory, pids\n"
        "  → boot the kernel with them (cgroup_enable=memory); a container needs --privileged",
    ),
    "disk": (
        replace(WELL, disk_folder=Path("/var"), disk_free=int(1.25 * GIB)),
        "disk /var: 1.2 GiB are free, 4 GiB are needed\n"
        "  → free 2.8 GiB, or set XDG_STATE_HOME to another disk",
    ),
    "memory": (
        replace(WELL, memory_total=4 * GIB, memory_available=2 * GIB),
        "memory: 2.0 GiB of 4.0 GiB are available, 3 GiB are needed\n"
        "  → end other programs or use a larger machine",
    ),
    "packages": (
        replace(WELL, missing_programs=("containerd", "ctr", "nft", "cni/bridge", "cni/loopback")),
        "packages: not installed: containerd, ctr, nft, cni/bridge, cni/loopback\n"
        "  → apt-get install containerd containernetworking-plugins nftables",
    ),
    "state path": (
        replace(WELL, state_path=Path("/" + "x" * 80)),
        f"/{'x' * 80}: is longer than 70 characters: the paths of the sockets below it would be cut\n"
        "  → set XDG_STATE_HOME to a shorter folder",
    ),
    "owner": (
        replace(WELL, owner=Path("/home/her/slipway"), namespace_exists=True, link_exists=True),
        "sandbox other: a cluster of that name stands already; its state folder is /home/her/slipway\n"
        "  → choose another --name and --network, or remove it with the XDG_STATE_HOME it was made with",
    ),
    "namespace": (
        replace(WELL, namespace_exists=True),
        "network namespace other: exists and was not made by slipway\n"
        "  → choose another --name, or remove it: ip netns delete other",
    ),
    "link": (
        replace(WELL, link_exists=True),
        "link slipway1: exists and was not made by this cluster\n"
        "  → choose another --network, or remove it: ip link delete slipway1",
    ),
    "pod range": (
        replace(WELL, routes=(("10.0.0.0/8", "10.0.0.0/8 via 192.0.2.9 dev tun0"),)),
        "route 10.201.1.0/30: the range is taken: 10.0.0.0/8 via 192.0.2.9 dev tun0\n"
        "  → choose another --network (0 to 9)\n"
        "route 10.243.0.0/16: the range is taken: 10.0.0.0/8 via 192.0.2.9 dev tun0\n"
        "  → choose another --network (0 to 9)\n"
        "route 10.97.0.0/16: the range is taken: 10.0.0.0/8 via 192.0.2.9 dev tun0\n"
        "  → choose another --network (0 to 9)",
    ),
    "port": (
        replace(WELL, listeners=(Listener(6443, 77, "nginx -g daemon"), Listener(9999, 78, "harmless"))),
        "port 6443: kube-apiserver needs it in namespace other, where process 77 holds it: nginx -g daemon\n"
        "  → end that process: kill 77",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_in_the_way_is_named_with_its_remedy(case: str) -> None:
    found, message = CASES[case]
    assert "\n".join(str(problem) for problem in preflight.problems(CONFIG, found)) == message


def test_a_machine_with_nothing_in_the_way_has_no_problems() -> None:
    assert preflight.problems(CONFIG, WELL) == []


def test_every_problem_is_told_at_once() -> None:
    found = replace(WELL, uid=1, disk_free=0, missing_programs=("runc",))
    assert [problem.where for problem in preflight.problems(CONFIG, found)] == ["root", "disk /", "packages"]


def test_a_running_cluster_does_not_ask_for_the_room_it_has_taken_already() -> None:
    assert (
        preflight.problems(CONFIG, replace(WELL, parts_running=True, disk_free=0, memory_available=0)) == []
    )


def test_what_cilium_compiles_with_is_asked_for_where_it_joins_the_pods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(facts, "SEARCHED", "/nowhere")
    enforcing = replace(CONFIG, pods=PodNetwork.CILIUM)
    more = set(facts.missing_programs(enforcing)) - set(facts.missing_programs(CONFIG))
    assert facts.packages(tuple(more)) == ["bpftool", "clang-19", "iptables"]


def test_our_own_namespace_and_link_are_no_problem() -> None:
    assert (
        preflight.problems(CONFIG, replace(WELL, owner=STATE, namespace_exists=True, link_exists=True)) == []
    )
