"""Twenty flips and three failed releases under users who never stop asking, and a cluster that restarts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest

from infra.progress import Progress
from infra.sandbox import cluster
from infra.sandbox.config import SandboxConfig
from tests.live.release.conftest import SECTIONS, Released
from tests.live.release.test_interrupted import UNDER_WAY_SECONDS, flips, other
from tests.live.release.test_release import unharmed
from tests.live.release.traffic import Heard, users
from tests.live.team import told

pytestmark = pytest.mark.soak
FLIPS, ROUND, BROKEN = 20, ("sound", "sound_2"), ("one-in-fifty", "crashes", "slow")
PER_SECOND, USERS = float(os.environ.get("PER_SECOND", "200")), 60
LOOK_SECONDS = 0.2
NODE, AWAY_SECONDS = ("containerd", "kubelet"), 5.0
CHOSEN = SECTIONS["service"]["release"]
WAITED_SECONDS = CHOSEN["soak_seconds"] + CHOSEN["watch_seconds"]


@pytest.fixture(scope="module")
def heard(released: Released) -> Iterator[Heard]:
    """One crowd for all of the file's tests, which comes when every image is built."""
    for variant in (*ROUND, *BROKEN):
        assert released.images[variant]
    with users(released.url, released.token, count=USERS, per_second=PER_SECOND) as found:
        yield found
    print(f"{found.answers} answers, {len(found.failures)} failures, slowest {found.slowest * 1000:.0f} ms")


def test_no_request_fails_over_twenty_flips(released: Released, heard: Heard) -> None:
    before, begun, took = heard.answers, time.monotonic(), []
    for number in range(FLIPS):
        variant, started = other(released), time.monotonic()
        answer = released.release(variant)
        assert answer.returncode == 0, told(answer)
        assert released.version() == variant
        took.append(time.monotonic() - started - WAITED_SECONDS)
        rate = (heard.answers - before) / (time.monotonic() - begun)
        print(f"flip {number + 1}: {took[-1]:.1f} s besides the waits; {rate:.0f} answers/s,"
              f" slowest {heard.slowest * 1000:.0f} ms")  # fmt: skip
        unharmed(heard)
    print(f"releases took {min(took):.1f} to {max(took):.1f} s besides {WAITED_SECONDS} s of soak and watch")


@pytest.mark.parametrize("variant", BROKEN)
def test_no_request_fails_while_a_broken_release_goes(released: Released, heard: Heard, variant: str) -> None:
    served = released.version()
    answer = released.release(variant)
    assert answer.returncode == 1, told(answer)
    assert released.version() == served
    unharmed(heard)


def test_the_traffic_is_back_within_seconds(released: Released, heard: Heard) -> None:
    released_now = released.release(other(released))
    assert released_now.returncode == 0, told(released_now)
    served, started = released.version(), time.monotonic()
    with released.team.begun("rollback") as process:
        while released.version() == served:
            assert time.monotonic() - started < UNDER_WAY_SECONDS, "the traffic never went back"
            time.sleep(LOOK_SECONDS)  # a look takes a core for a moment
        print(f"rollback: the traffic was back after {time.monotonic() - started:.1f} s")
        process.wait(UNDER_WAY_SECONDS)
    assert process.returncode == 0, released.team.said.read_text()
    unharmed(heard)


def test_a_control_plane_that_restarts_while_a_release_flips_is_not_noticed(
    released: Released, heard: Heard
) -> None:
    parts = [part for part in cluster.PARTS if part not in NODE]
    print(f"healed after {restarted_while_it_flips(released, parts):.1f} s")
    unharmed(heard)


def test_after_the_only_node_has_restarted_too_everybody_is_answered(
    released: Released, heard: Heard
) -> None:
    """Both replicas are on it. Without containerd a pod that writes waits, and before Kubernetes 1.35 a new
    kubelet calls every pod unready until it has asked it (kubernetes/kubernetes 100277)."""
    begun = time.monotonic()
    seconds = restarted_while_it_flips(released, list(cluster.PARTS))
    print(f"healed after {seconds:.1f} s; {len(heard.failures)} failures, {heard.failures[:3]}, the last one"
          f" {heard.failed_at - begun:.0f} s after the release began")  # fmt: skip
    assert time.monotonic() - heard.failed_at > AWAY_SECONDS
    heard.failures.clear()
    time.sleep(AWAY_SECONDS)
    unharmed(heard)


def restarted_while_it_flips(released: Released, parts: list[str]) -> float:
    """Seconds from the kill of these parts until they are healed; then `up` completes what was begun."""
    variant, active = other(released), released.active
    with released.team.begun("release", "--image", released.images[variant]) as process:
        flips(released, active)
        killed_at = time.monotonic()
        for part in cluster.status(SandboxConfig()):
            if part.name in parts and part.pid:
                os.kill(part.pid, signal.SIGKILL)
        cluster.up(SandboxConfig(), Progress(quiet=True))
        healed = time.monotonic() - killed_at
        process.wait(2 * UNDER_WAY_SECONDS)
    assert "Traceback" not in released.team.said.read_text()
    up = released.team.slipway("up")
    assert up.returncode == 0, told(up)
    assert released.file()["image"] == released.images[released.version()]
    return healed
