"""From a fault to whoever hears of it, and to the word that it is over."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from infra import alerting
from infra.render import alertmanager
from tests.live.facts import eventually
from tests.live.monitoring.faults import Fault
from tests.live.monitoring.sinks import Inbox
from tests.live.monitoring.watched import INTERVAL_SECONDS, Watched

# Reading, evaluating, sending: what a busy machine takes on top of the times that are written down.
SLACK_SECONDS = 20
# A figure over 5 min forgets what was wrong only then; then its group's next word, and the resolved one's.
OVER_SECONDS = 480


@dataclass(frozen=True)
class Notice:
    """Seconds from the fault to its message by each way, and from its end to the word of that."""

    alert: str
    allowed: float
    told: dict[str, float]
    over: float

    def __str__(self) -> str:
        ways = ", ".join(f"{way} after {seconds:.0f} s" for way, seconds in self.told.items())
        return f"{self.alert}: {ways} (allowed {self.allowed:.0f} s), over after {self.over:.0f} s"


def ways(stack: Watched, fault: Fault) -> dict[str, Inbox]:
    """Who hears of it."""
    every = {"slack": stack.sinks.slack, "mail": stack.sinks.mail}
    return every if fault.slack else {"mail": every["mail"]}


def notice(stack: Watched, fault: Fault) -> Notice:
    """The fault from its begin to the last word of it."""
    stack.calm()
    name, begun = fault.alert, time.monotonic()
    with fault.lasting(stack):
        found = heard(stack, fault, begun)
    ended = time.monotonic()
    over = [
        eventually(partial(inbox.over, name), f"{way} hears that {name} is over", OVER_SECONDS)
        for way, inbox in ways(stack, fault).items()
    ]
    return Notice(name, allowed_seconds(stack, fault), found, max(message.at for message in over) - ended)


def heard(stack: Watched, fault: Fault, begun: float) -> dict[str, float]:
    """Way → seconds from ``begun`` until it has the alert's message; fails where that takes too long."""
    allowed, name = allowed_seconds(stack, fault), fault.alert
    told = {
        way: eventually(partial(inbox.told, name), f"{way} hears of {name}", allowed)
        for way, inbox in ways(stack, fault).items()
    }
    return {way: message.at - begun for way, message in told.items()}


def allowed_seconds(stack: Watched, fault: Fault) -> int:
    """What the rule, the scrape and the group's wait add up to."""
    reading = 2 * INTERVAL_SECONDS
    return fault.seen_seconds + reading + stack.lasts(fault.alert) + alertmanager.WAIT_SECONDS + SLACK_SECONDS


def others(stack: Watched, fault: Fault) -> set[str]:
    """What was told beside the fault's own alert; the test alert of `slipway alerts test` is asked for."""
    spoken = stack.sinks.slack.wrong() | stack.sinks.mail.wrong()
    return spoken - {fault.alert, alerting.TEST_NAME}
