"""The one loop of every wait: looks, tells the engine, ends at the time-out or when the run is cancelled."""

from __future__ import annotations

import time
from dataclasses import dataclass

from infra.sandbox.providers.kubernetes.cluster import Ref
from infra.sandbox.providers.kubernetes.rest import ApiError, UnreachableError
from infra.sandbox.providers.kubernetes.session import NotReadyError, Session
from infra.sandbox.providers.kubernetes.waiting.verdicts import Check, Failed, Look, Pending, Ready, Verdict
from infra.sandbox.providers.shared.values import Object

POLL_SECONDS = 0.4
STATUS_AFTER_SECONDS = 2.0
SILENCE_ALLOWED_SECONDS = 60.0  # an API server that restarts meanwhile does not fail the resource


@dataclass(frozen=True)
class Wait:
    """One wait: for which object, on whose behalf, for how many seconds at most."""

    session: Session
    ref: Ref
    urn: str
    seconds: float


def run(wait: Wait, look: Look, check: Check) -> Object:
    """The last look's object once the check says Ready; NotReadyError with reasons otherwise."""
    verdict: Verdict = Pending("waiting")
    said, heard, ready_since = "", time.monotonic(), None
    while True:
        asked = _ask(look, check)
        if asked is not None:
            verdict, heard = asked, time.monotonic()
        ready_since = (ready_since or time.monotonic()) if isinstance(verdict, Ready) else None
        if isinstance(verdict, Ready) and time.monotonic() - (ready_since or 0.0) >= verdict.lasting:
            wait.session.engine.status(wait.urn, "")
            return look.live
        reasons = _over(wait, look, verdict, time.monotonic() - heard)
        if reasons:
            raise NotReadyError(tuple(map(wait.session.masks.clean, reasons)), look.live)
        if isinstance(verdict, Pending) and verdict.doing != said and look.waited > STATUS_AFTER_SECONDS:
            said = verdict.doing
            wait.session.engine.status(wait.urn, said)
        wait.session.cancelled.wait(POLL_SECONDS)


def _ask(look: Look, check: Check) -> Verdict | None:
    """The verdict, or None when the API server cannot be asked at the moment."""
    try:
        return check(look)
    except UnreachableError:
        return None
    except ApiError as error:
        if error.status < 500 and error.status != 429:
            raise
        return None


def _over(wait: Wait, look: Look, verdict: Verdict, silence: float) -> tuple[str, ...]:
    """Why the wait is over without success; empty while it goes on."""
    if isinstance(verdict, Failed):
        return verdict.reasons
    if wait.session.cancelled.is_set():
        return ("cancelled while waiting; the next pulumi up goes on with it", *_known(verdict))
    if silence > SILENCE_ALLOWED_SECONDS:
        return (f"the Kubernetes API has not answered for {silence:.0f} s", *_known(verdict))
    if look.waited > wait.seconds:
        details = verdict.details() if isinstance(verdict, Pending) else ()
        return (f"not ready after {wait.seconds:.0f} s", *details)
    return ()


def _known(verdict: Verdict) -> tuple[str, ...]:
    """The reasons without asking for more: there is nobody to ask, or no time."""
    if not isinstance(verdict, Pending):
        return ()
    return (*verdict.reasons, *(trouble.text for trouble in verdict.troubles))
