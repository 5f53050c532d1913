"""What a release does to the stack file, step by step. `pulumi up` can make each of these states."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from infra.settings.release import MOMENT, Released


def begun(now: Released, image: str, running: str) -> Released:
    """The new image stands beside what has the traffic (``running``, where nothing was released before)."""
    return Released(number=now.number + 1, active=now.active, image=now.image or running, candidate=image)


def flipped(now: Released, keep: timedelta, moment: datetime) -> Released:
    """The candidate has the traffic; the other one is kept until ``moment`` + ``keep``."""
    if now.candidate is None:
        raise ValueError("there is no candidate")
    return Released(
        number=now.number,
        active=now.active.other,
        image=now.candidate,
        previous=now.image,
        previous_until=(moment + keep).strftime(MOMENT),
    )


def returned(now: Released) -> Released:
    """The kept colour has the traffic again, and the other one goes."""
    if now.previous is None:
        raise ValueError("there is no kept colour")
    return Released(number=now.number, active=now.active.other, image=now.previous)


def alone(now: Released) -> Released:
    """What has the traffic, and nothing beside it."""
    return Released(number=now.number, active=now.active, image=now.image)


def rolled(now: Released, image: str) -> Released:
    """The image takes the place of the old one, pod by pod."""
    return Released(number=now.number + 1, active=now.active, image=image)


def before(current: str, served: Iterable[str], own: str | None) -> str | None:
    """The image that had the traffic before: of those that were released, the newest first, else the stack
    file's own, which `up` had brought before anything was released. None where none is known."""
    return next((image for image in (*served, own) if image and image != current), None)


def kept_too_long(now: Released, moment: datetime) -> bool:
    """Whether the kept colour's time is over."""
    until = now.previous_until
    return until is not None and until <= moment.strftime(MOMENT)
