"""Releases on a real cluster, under users who never stop asking: none of them is ever refused."""

from __future__ import annotations

import pytest

from tests.live.release.conftest import Released
from tests.live.release.traffic import Heard, users
from tests.live.team import told

pytestmark = pytest.mark.live


def unharmed(heard: Heard) -> None:
    assert heard.answers > 0
    assert heard.failures == []


def test_a_sound_release_gets_the_traffic_and_the_old_one_is_kept(released: Released) -> None:
    with users(released.url, released.token) as heard:
        answer = released.release("sound")
    assert answer.returncode == 0, told(answer)
    unharmed(heard)
    assert released.version() == "sound"
    assert set(released.deployments()) == {"service-blue", "service-green"}
    assert released.active == "green"
    number, result = (released.releases()[0][key] for key in ("number", "result"))
    assert (number, result) == (released.file()["number"], "live")


def test_the_way_back_is_one_command_and_no_pod_starts(released: Released) -> None:
    with users(released.url, released.token) as heard:
        answer = released.team.slipway("rollback")
    assert answer.returncode == 0, told(answer)
    unharmed(heard)
    assert released.version() != "sound"
    assert released.active == "blue"
    assert released.releases()[0]["result"] == "went back: taken back by hand"


@pytest.mark.soak
def test_a_release_is_found_again_by_its_number(released: Released) -> None:
    first = released.release("sound")
    assert first.returncode == 0, told(first)
    second = released.release("sound_2")
    assert second.returncode == 0, told(second)
    number = next(done["number"] for done in released.releases() if done["image"].endswith(":sound"))
    with users(released.url, released.token) as heard:
        answer = released.team.slipway("rollback", "--to", str(number))
    assert answer.returncode == 0, told(answer)
    unharmed(heard)
    assert released.version() == "sound"


@pytest.mark.parametrize(
    ("variant", "said"),
    [
        ("one-in-fifty", "% of"),
        pytest.param("migration", "no_such_table", marks=pytest.mark.soak),
        pytest.param("slow", "95th percentile", marks=pytest.mark.soak),
        pytest.param("crashes", "broken as it starts", marks=pytest.mark.soak),
        pytest.param("hungry", "OOMKilled", marks=pytest.mark.soak),
    ],
)
def test_a_broken_release_goes_by_itself_and_says_why(released: Released, variant: str, said: str) -> None:
    active, served = released.active, released.version()
    with users(released.url, released.token) as heard:
        answer = released.release(variant)
    assert answer.returncode == 1, told(answer)
    assert "Traceback" not in told(answer)
    unharmed(heard)
    assert released.version() == served
    assert len(released.deployments()) == 1
    assert released.active == active
    result = released.releases()[0]["result"]
    assert result.startswith("went back: ")
    assert said in result
    assert said in answer.stderr.rpartition("the traffic never left")[2]


def test_an_image_that_is_not_there_is_named_before_anything_happens(released: Released) -> None:
    before = released.file()
    answer = released.team.slipway("release", "--image", "localhost/slipway/service:nowhere")
    assert answer.returncode == 1
    assert "--image localhost/slipway/service:nowhere: is not in the sandbox" in told(answer)
    assert released.file() == before
