"""What each step of a release leaves in the stack file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from infra.releases import moves
from infra.settings.release import Colour, Released

pytestmark = pytest.mark.unit
OLD, NEW = "registry.example/team/service:1", "registry.example/team/service:2"
NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def tried() -> Released:
    return moves.begun(Released(), NEW, OLD)


def test_a_release_begins_beside_what_has_the_traffic() -> None:
    assert tried() == Released(number=1, active=Colour.BLUE, image=OLD, candidate=NEW)


def test_a_candidate_takes_the_place_of_the_colour_that_was_kept() -> None:
    kept = moves.flipped(tried(), HOUR, NOON)
    again = moves.begun(kept, "registry.example/team/service:3", OLD)
    assert (again.active, again.image, again.previous) == (Colour.GREEN, NEW, None)


def test_the_flip_keeps_the_old_colour_for_its_time() -> None:
    kept = moves.flipped(tried(), HOUR, NOON)
    assert kept == Released(
        number=1, active=Colour.GREEN, image=NEW, previous=OLD, previous_until="2026-11-28T13:00:00Z"
    )


def test_the_way_back_is_the_kept_colour_alone() -> None:
    back = moves.returned(moves.flipped(tried(), HOUR, NOON))
    assert back == Released(number=1, active=Colour.BLUE, image=OLD)


def test_a_candidate_that_is_given_up_leaves_no_trace_but_its_number() -> None:
    assert moves.alone(tried()) == Released(number=1, active=Colour.BLUE, image=OLD)


@pytest.mark.parametrize(("minutes", "over"), [(59, False), (60, True), (61, True)])
def test_the_kept_colour_goes_when_its_time_is_over(minutes: int, over: bool) -> None:
    kept = moves.flipped(tried(), HOUR, NOON)
    assert moves.kept_too_long(kept, NOON + timedelta(minutes=minutes)) is over


def test_what_keeps_no_colour_has_nothing_to_end() -> None:
    assert not moves.kept_too_long(Released(), NOON)


@pytest.mark.parametrize("move", [moves.returned, lambda now: moves.flipped(now, HOUR, NOON)])
def test_there_is_no_way_to_a_colour_that_is_not_there(move: object) -> None:
    with pytest.raises(ValueError, match="there is no"):
        move(Released())  # type: ignore[operator]


@pytest.mark.parametrize(
    ("served", "own", "before"),
    [
        ([NEW, OLD], None, OLD),
        ([NEW, NEW, OLD], "registry.example/team/service:0", OLD),
        ([NEW], OLD, OLD),  # the first release: what was there before it, `up` had brought
        ([NEW], NEW, None),
        ([], None, None),
    ],
)
def test_the_way_back_leads_to_what_had_the_traffic_before(
    served: list[str], own: str | None, before: str | None
) -> None:
    assert moves.before(NEW, served, own) == before
