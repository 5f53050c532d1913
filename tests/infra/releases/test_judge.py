"""When a release counts as worse than the one before it."""

from __future__ import annotations

import pytest

from infra.releases.judge import Figures, worse
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
