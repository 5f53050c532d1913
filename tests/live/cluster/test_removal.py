"""`down` leaves the machine as it was before `up`; with --keep-data the next `up` brings all back."""

from __future__ import annotations

import time

import pytest

from infra.sandbox.config import SandboxConfig
from tests.live.cluster.second import Cluster
from tests.live.listing import snapshot

pytestmark = [pytest.mark.live, pytest.mark.slow]
OTHERS = ("slipway", "slipway-dev", "slipway-test")


def test_down_leaves_no_trace_on_the_machine() -> None:
    gone = Cluster(SandboxConfig("slipway-gone", 3))
    gone.down()
    before = snapshot(ignoring=OTHERS)
    gone.up()
    gone.deploy()
    assert set(before.changes(snapshot(ignoring=OTHERS))) >= {
        "processes",
        "mounts",
        "links",
        "routes",
        "cgroups",
    }
    begun = time.monotonic()
    gone.down()
    assert time.monotonic() - begun < 10
    assert before.changes(snapshot(ignoring=OTHERS)) == {}
    assert not gone.config.state.exists()
    assert not gone.config.run.exists()


def test_down_of_a_cluster_that_never_was_does_nothing() -> None:
    before = snapshot(ignoring=OTHERS)
    Cluster(SandboxConfig("slipway-never", 4)).down()
    assert before.changes(snapshot(ignoring=OTHERS)) == {}


def test_kept_data_come_back_with_the_next_up(cluster: Cluster) -> None:
    assert cluster.inside("redis-cli set kept through-down && redis-cli bgrewriteaof").returncode == 0
    cluster.down(keep_data=True)
    assert not cluster.config.run.exists()
    cluster.up()
    cluster.ready()
    assert cluster.inside("redis-cli get kept").stdout == "through-down\n"
