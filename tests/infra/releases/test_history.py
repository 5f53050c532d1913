"""Pulumi's history, as releases: what, who, when, and how each ended."""

from __future__ import annotations

from typing import Any

import pytest

from infra.releases import history
from infra.releases.history import Step

pytestmark = pytest.mark.unit


def update(message: str, minute: int, result: str = "succeeded") -> dict[str, Any]:
    stamp = f"2026-11-28T03:{minute:02d}"
    return {
        "message": message,
        "startTime": f"{stamp}:00.000Z",
        "endTime": f"{stamp}:30.000Z",
        "result": result,
        "kind": "update",
    }


def told(*updates: dict[str, Any]) -> list[history.Done]:
    return history.told(reversed(updates))


def test_updates_that_are_no_releases_are_left_out() -> None:
    assert told(update("Mend the cache", 1), update("release the brakes", 2)) == []


def test_a_release_is_its_steps_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_ACTOR", "alice")
    steps = [history.message(1, step, "a/service:1") for step in (Step.TRY, Step.FLIP)]
    (done,) = told(update(steps[0], 1), update("Mend the cache", 2), update(steps[1], 3))
    assert (done.number, done.image, done.who, done.result) == (1, "a/service:1", "alice", "live")
    assert (done.began, done.took) == ("2026-11-28T03:01:00.000Z", "150 s")


def test_one_release_is_live_and_those_before_it_served() -> None:
    done = told(
        update("release 1: roll a:1 by alice", 1),
        update("release 2: try a:2 by bob", 2),
        update("release 2: flip a:2 by bob", 3),
        update("release 2: end a:2 by bob", 4),
    )
    assert [(each.number, each.result) for each in done] == [(2, "live"), (1, "served")]


def test_a_release_that_went_back_says_why_and_never_served() -> None:
    (two, one) = told(
        update("release 1: flip a:1 by alice", 1),
        update("release 2: try a:2 by bob", 2, "failed"),
        update("release 2: back a:2 by bob: 2.00 % of its answers are 5xx", 3),
    )
    assert two.result == "went back: 2.00 % of its answers are 5xx"
    assert (two.served, one.result, one.served) == (False, "live", True)


def test_a_reason_of_several_lines_is_told_in_one() -> None:
    (done,) = told(update("release 2: back a:2 by bob: the first\n  and the second", 3))
    assert done.result == "went back: the first and the second"


def test_a_release_whose_last_step_failed_says_which() -> None:
    (done,) = told(update("release 1: flip a:1 by alice", 1, "failed"))
    assert (done.result, done.served) == ("flip failed", False)


@pytest.mark.parametrize("name", ["GITHUB_ACTOR", "GITLAB_USER_LOGIN"])
def test_who_releases_is_whom_the_pipeline_names(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for known in history.ACTORS:
        monkeypatch.delenv(known, raising=False)
    monkeypatch.setenv(name, "carol the great")
    assert history.message(3, Step.BACK, "a:1", "slow") == "release 3: back a:1 by carol-the-great: slow"
