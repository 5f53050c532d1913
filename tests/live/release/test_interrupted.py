"""A release that meets another one, or is killed: the traffic keeps its answers."""

from __future__ import annotations

import os
import signal

import pytest

from infra.releases import lease
from tests.live.facts import eventually
from tests.live.faults.test_faults_during_up import pulumi_below
from tests.live.release.conftest import Released
from tests.live.release.test_release import unharmed
from tests.live.release.traffic import users
from tests.live.team import told

pytestmark = pytest.mark.live
UNDER_WAY_SECONDS = 180  # building nothing: the checks, the soak, and three times `pulumi up`


def other(released: Released) -> str:
    """A sound variant that has no traffic now."""
    return "sound_2" if released.version() == "sound" else "sound"


def flips(released: Released, active: str) -> None:
    """Returns while `pulumi up` gives the traffic to the other colour."""
    eventually(lambda: released.active != active, "the flip is written down", UNDER_WAY_SECONDS)


def test_a_release_beside_another_one_is_refused_before_it_changes_anything(released: Released) -> None:
    before = released.file()
    with lease.held(released.place):
        answer = released.team.slipway("release", "--image", released.images["sound"])
    assert answer.returncode == 1
    assert "another one is under way" in told(answer)
    assert released.file() == before


@pytest.mark.soak
def test_of_two_releases_at_once_the_second_is_told_of_the_first(released: Released) -> None:
    variant, late = other(released), released.images["slow"]
    with (
        users(released.url, released.token) as heard,
        released.team.begun("release", "--image", released.images[variant]) as first,
    ):
        eventually(lambda: "candidate" in released.file(), "the first is under way", UNDER_WAY_SECONDS)
        second = released.team.slipway("release", "--image", late)
        first.wait(UNDER_WAY_SECONDS)
    assert second.returncode == 1
    assert "another one is under way" in told(second)
    assert first.returncode == 0, released.team.said.read_text()
    unharmed(heard)
    assert released.version() == variant


def test_a_release_that_is_killed_while_it_flips_is_completed_by_up(released: Released) -> None:
    variant, active = other(released), released.active
    with users(released.url, released.token) as heard:
        with released.team.begun("release", "--image", released.images[variant]) as process:
            flips(released, active)
            pulumi = eventually(lambda: pulumi_below(process.pid), "pulumi runs", 60)
            os.kill(pulumi, signal.SIGKILL)
            os.killpg(process.pid, signal.SIGKILL)
        up = released.team.slipway("up")
        assert up.returncode == 0, told(up)
        assert released.version() == variant
        again = released.release(variant)
    assert again.returncode == 0, told(again)
    assert "has the traffic already" in told(again)
    unharmed(heard)
