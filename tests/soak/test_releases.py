"""Twenty flips and three failed releases under users who never stop asking, and a cluster that restarts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from infra.progress import Progress
from infra.sandbox import cluster
from infra.sandbox.config import SandboxConfig
from tests.live.release.conftest import SECTIONS, Released
from tests.live.release.test_interrupted import UNDER_WAY_SECONDS, flips, other
from tests.live.release.test_release import unharmed
from tests.live.release.traffic import Heard, users
from tests.live.team import Answer, told

pytestmark = pytest.mark.soak
FLIPS, ROUND, BROKEN = 20, ("sound", "sound_2"), ("one-in-fifty", "crashes", "slow")
PER_SECOND, USERS = 200.0, 24
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
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(rolled_back, released)
        while released.version() == served:
            assert time.monotonic() - started < UNDER_WAY_SECONDS, "the traffic never went back"
        seconds = time.monotonic() - started
        answer = running.result()
    print(f"rollback: the traffic was back after {seconds:.1f} s")
    assert answer.returncode == 0, told(answer)
    unharmed(heard)


def rolled_back(released: Released) -> Answer:
    return released.team.slipway("rollback")


def test_a_cluster_that_restarts_while_a_release_flips_serves_on(released: Released, heard: Heard) -> None:
    variant, active = other(released), released.active
    with released.team.begun("release", "--image", released.images[variant]) as process:
        flips(released, active)
        for part in cluster.status(SandboxConfig()):
            if part.pid:
                os.kill(part.pid, signal.SIGKILL)
        process.wait(2 * UNDER_WAY_SECONDS)
    assert "Traceback" not in released.team.said.read_text()
    cluster.up(SandboxConfig(), Progress(quiet=True))
    up = released.team.slipway("up")
    assert up.returncode == 0, told(up)
    unharmed(heard)
    assert released.version() == variant
