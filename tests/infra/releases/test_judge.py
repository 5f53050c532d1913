"""When a release counts as worse than the one before it."""

from __future__ import annotations

import pytest

from infra.releases.judge import Figures, worse, worse_while_watched
from infra.settings.release import Release

pytestmark = pytest.mark.unit
RELEASE = Release(max_error_percent=1.0, max_p95_ratio=1.5, p95_floor_ms=100)
QUIET = Figures(0.0, None, None)


def answers(errors: float = 0.0, p95: float = 80.0) -> Figures:
    return Figures(1000.0, errors, p95)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (answers(), answers()),
        (answers(errors=1.0), answers()),
        (answers(errors=2.9), answers(errors=2.0)),
        (answers(p95=99.0), answers(p95=10.0)),
        (answers(p95=149.0), answers(p95=100.0)),
        (answers(p95=900.0), QUIET),
        (QUIET, answers()),
    ],
    ids=[
        "alike",
        "allowed",
        "as-bad",
        "below-the-floor",
        "within-the-ratio",
        "nothing-before",
        "no-requests",
    ],
)
def test_a_release_that_answers_as_well_stays(new: Figures, old: Figures) -> None:
    assert worse(new, old, RELEASE) == []


@pytest.mark.parametrize(
    ("new", "old", "said"),
    [
        (answers(errors=2.0), answers(), "2.00 % of its answers are 5xx, 1.00 % are allowed"),
        (answers(errors=3.1), answers(errors=2.0), "3.10 % of its answers are 5xx, 3.00 % are allowed"),
        (answers(p95=151.0), answers(p95=100.0), "95th percentile is 151 ms, 150 ms are allowed"),
        (answers(p95=101.0), answers(p95=10.0), "95th percentile is 101 ms, 100 ms are allowed"),
        (answers(errors=2.0), QUIET, "the old colour: none"),
    ],
)
def test_a_release_that_answers_worse_goes_with_its_reason(new: Figures, old: Figures, said: str) -> None:
    (reason,) = worse(new, old, RELEASE)
    assert said in reason


def test_every_reason_is_told() -> None:
    assert len(worse(answers(errors=50.0, p95=5000.0), answers(), RELEASE)) == 2


@pytest.mark.parametrize(
    ("looks", "seen"),
    [
        ([answers(), answers(), answers()], 3),
        ([answers(p95=900.0), answers(), answers(p95=900.0), answers()], 4),
        ([Figures(19.0, 50.0, 900.0), answers()], 2),
    ],
    ids=["alike", "slow-now-and-then", "of-a-few-requests"],
)
def test_a_release_stays_unless_it_is_slow_at_two_looks_in_a_row(looks: list[Figures], seen: int) -> None:
    left = iter(looks)
    assert worse_while_watched(left, answers(), RELEASE) == []
    assert len(looks) - len(list(left)) == seen


@pytest.mark.parametrize(
    ("looks", "seen", "said"),
    [
        ([answers(p95=130.0), answers(p95=160.0), answers(p95=170.0), answers()], 3, "170 ms"),
        ([answers(), answers(p95=160.0)], 2, "160 ms"),
        ([answers(errors=3.0), answers()], 1, "3.00 % of its answers are 5xx"),
    ],
    ids=["slow-twice", "slow-at-the-end", "errors-at-once"],
)
def test_a_release_that_is_watched_goes_as_soon_as_it_is_known_to_be_worse(
    looks: list[Figures], seen: int, said: str
) -> None:
    left = iter(looks)
    (reason,) = worse_while_watched(left, answers(p95=100.0), RELEASE)
    assert said in reason
    assert len(looks) - len(list(left)) == seen
