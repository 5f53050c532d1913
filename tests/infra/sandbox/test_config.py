"""Names and addresses of a cluster."""

from __future__ import annotations

import ipaddress
from itertools import combinations
from pathlib import Path

import pytest

from infra.errors import UserError
from infra.sandbox.config import NETWORKS, PodNetwork, SandboxConfig, joined_by, remember, resolve, standing
from infra.settings import sandbox

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return tmp_path


def test_no_two_networks_share_an_address() -> None:
    ranges = [ipaddress.ip_network(r) for n in range(NETWORKS) for r in SandboxConfig("x", n).ranges]
    assert [pair for pair in combinations(ranges, 2) if pair[0].overlaps(pair[1])] == []


@pytest.mark.parametrize("network", range(NETWORKS))
def test_every_address_lies_in_its_range(network: int) -> None:
    config = SandboxConfig("x", network)
    link, _pods, services = map(ipaddress.ip_network, config.ranges)
    assert {ipaddress.ip_address(config.host_address), ipaddress.ip_address(config.node_address)} == set(
        link.hosts()
    )
    assert ipaddress.ip_address(config.api_service_address) == next(services.hosts())
    assert ipaddress.ip_address(config.dns_address) in services


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "1a", "a" * 25, "a/b", "a b"])
def test_a_name_that_cannot_be_a_namespace_is_refused(name: str) -> None:
    with pytest.raises(UserError, match="is not a cluster name"):
        SandboxConfig(name)


@pytest.mark.parametrize("network", [-1, 10])
def test_a_network_outside_0_to_9_is_refused(network: int) -> None:
    with pytest.raises(UserError, match=f"{network} is not a network number"):
        SandboxConfig("x", network)


def test_the_network_of_a_cluster_is_remembered() -> None:
    made = SandboxConfig("second", 4)
    made.state.mkdir(parents=True)
    remember(made)
    assert resolve("second") == resolve("second", 4) == made


def test_a_cluster_does_not_move_to_another_network() -> None:
    made = SandboxConfig("second", 4)
    made.state.mkdir(parents=True)
    remember(made)
    with pytest.raises(UserError) as caught:
        resolve("second", 5)
    assert str(caught.value) == (
        "--network: cluster second was made on network 4, not 5\n"
        "  → leave --network out, or remove it first: slipway sandbox down --name second"
    )


def test_what_joins_the_pods_is_remembered_until_something_else_is_named() -> None:
    assert resolve("second").pods is PodNetwork.BRIDGE
    made = SandboxConfig("second", 4, PodNetwork.CILIUM)
    made.state.mkdir(parents=True)
    remember(made)
    assert resolve("second") == standing("second", 4) == made
    assert resolve("second", pods=PodNetwork.BRIDGE).pods is PodNetwork.BRIDGE
    assert standing("second", 4, PodNetwork.BRIDGE).pods is PodNetwork.BRIDGE
    assert joined_by(SandboxConfig("second", 4)) is PodNetwork.CILIUM, "as it stands"


def test_a_note_of_another_word_is_taken_for_the_bridge() -> None:
    made = SandboxConfig("second", 4)
    made.state.mkdir(parents=True)
    (made.state / "pods").write_text("calico\n")
    assert resolve("second").pods is PodNetwork.BRIDGE


def test_stack_files_name_the_same_networks_of_pods() -> None:
    assert {word.value for word in PodNetwork} == {word.value for word in sandbox.PodNetwork}


def test_a_new_cluster_takes_network_0() -> None:
    assert resolve("second").network == 0
