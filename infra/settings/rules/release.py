"""Rules on the release that has traffic and on the one beside it."""

from __future__ import annotations

from collections.abc import Iterator

from infra.settings.config import StackConfig
from infra.settings.rules.finding import Finding

BESIDE = ("candidate", "previous")


def two_colours_have_their_strategy(settings: StackConfig) -> Iterator[Finding]:
    """A rolling Deployment has no place for a second release."""
    beside = [key for key in BESIDE if getattr(settings.released, key)]
    if beside and not settings.service.blue_green:
        yield Finding(
            ("released", beside[0]),
            f"{beside[0]} stands beside the active colour, and service.rollout.strategy is rolling",
            f"end the release first: slipway rollback {settings.stack}; or set strategy: blue-green",
            also=(("service", "rollout", "strategy"),),
        )


def one_colour_stands_beside(settings: StackConfig) -> Iterator[Finding]:
    """There are two colours, and one of them has the traffic."""
    if settings.released.candidate and settings.released.previous:
        yield Finding(
            ("released", "previous"),
            "previous and candidate are both set, and one colour is free",
            "take previous out: the candidate takes its place",
            also=(("released", "candidate"),),
        )


def kept_colour_has_an_end(settings: StackConfig) -> Iterator[Finding]:
    """What nobody needs any more has to go some time."""
    released = settings.released
    if (released.previous is None) != (released.previous_until is None):
        there, missing = (
            ("previous", "previous_until") if released.previous else ("previous_until", "previous")
        )
        yield Finding(
            ("released", missing),
            f"{missing} is missing, and {there} is {getattr(released, there)}",
            "set both or neither",
            also=(("released", there),),
        )
