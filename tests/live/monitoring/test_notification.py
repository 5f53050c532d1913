"""From a fault on a live stack to the people who hear of it, by Slack and by mail.

That it is over they hear minutes later: tests/soak/test_faults_are_told.py, with the other faults.
"""

from __future__ import annotations

import time
from functools import partial
from itertools import pairwise

import pytest

from tests.live.facts import eventually
from tests.live.monitoring.faults import FAULTS
from tests.live.monitoring.notice import heard, others
from tests.live.monitoring.watched import BEAT_MINUTES, Watched
from tests.live.team import told

pytestmark = [pytest.mark.live, pytest.mark.slow]
KILLED = "PostgreSQL is killed and does not come back"


def test_a_test_alert_reaches_everybody_and_says_that_it_is_one(watched: Watched) -> None:
    answer = watched.team.slipway("alerts test")
    assert answer.returncode == 0, told(answer)
    assert "Slack #alerts, mail to oncall@example.com" in answer.stdout
    for inbox in (watched.sinks.slack, watched.sinks.mail):
        message = eventually(partial(inbox.told, "SlipwayTest"), "the test arrives", 30)
        assert message.title == "Test: SlipwayTest in watched-dev"


def test_of_a_fault_one_alert_is_told_in_time_by_every_way(watched: Watched) -> None:
    fault = FAULTS[KILLED]
    watched.calm()
    begun = time.monotonic()
    with fault.lasting(watched):
        print(heard(watched, fault, begun))
    assert others(watched, fault) == set()


def test_signs_of_life_arrive_as_often_as_asked(watched: Watched) -> None:
    seconds, beats = 60 * BEAT_MINUTES, watched.sinks.beats
    eventually(lambda: len(beats) >= 3, "three signs of life since the stack is up", 3 * seconds)
    between = [later - earlier for earlier, later in pairwise(beats[1:])]  # the first one comes at once
    assert max(between) < seconds + 20
    assert min(between) > seconds - 20
